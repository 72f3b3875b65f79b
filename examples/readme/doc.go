// Command readme is the program that README.md shows, in main.go, line for line. Its handler fails once, so that the second attempt shows.
//
//	go run ./examples/readme
//
// The tests beside it keep README.md and the pages in docs true: the program, the tests and benchmarks that they name, their links, and the
// broker's report.
package main
