// Package proofs holds the proofs of what the system promises, made from outside
// on a built parley-dev: it is killed, fed disorder, searched for what it must
// not keep, and judged by what its customers and providers got.
//
// Each is shorter by default than it can be; these variables make it longer:
//
//	PARLEY_KILL_CUSTOMERS, PARLEY_KILLS   size of the kill test (8 customers, 5 kills)
//	PARLEY_CRASH_POINTS=all, or 1-50      every crash point or these, not a sample of
//	PARLEY_CRASH_SAMPLE                   so many (10)
//	PARLEY_OVERTAKE_POINTS                crash points of a first message's turn (6)
//	PARLEY_DISORDER_CUSTOMERS             size of the disorder test (20)
//	PARLEY_PROOF_SEED                     the seed of a run that is to be repeated
//	PARLEY_DEV_BINARY                     a parley-dev that is built already
//	PARLEY_PROOF_LOGS                     a folder for the logs of what failed
package proofs
