// Package bench holds Go benchmarks of the adapters against the best that a program can do with the bare clients: the same broker, the same
// durability, the same window, in one run.
//
// The packages below it measure the same in another way: contestants take turns, each in a process of its own, over several rounds. Package
// contest is the instrument, contestants are the programs, report makes text, tables and plots. The command is integration/cmd/bench.
package bench
