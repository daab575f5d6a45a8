package supervise

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
)

// runsWith tells whether pid is a living process with all the words among its
// arguments. A zombie has no arguments.
func runsWith(pid int, words []string) bool {
	have := arguments(pid)
	for _, word := range words {
		if !slices.Contains(have, word) {
			return false
		}
	}
	return len(have) > 0
}

func arguments(pid int) []string {
	if raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); err == nil {
		return strings.Split(string(raw), "\x00")
	}
	if _, err := os.Stat("/proc/self/cmdline"); err == nil {
		return nil // Linux, and no such process
	}
	out, err := exec.Command("ps", "-o", "args=", "-p", strconv.Itoa(pid)).Output()
	if err != nil {
		return nil
	}
	return strings.Fields(string(out))
}
