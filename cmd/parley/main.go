// Command parley is the engine and its tools in one binary: the production
// roles, and what integrators and operators do from a terminal.
//
// Exit codes: 0 done, 1 refused or failed, 2 wrong usage.
package main

import "parley/cmd/parley/program"

func main() { program.Main() }
