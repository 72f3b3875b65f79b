// Package bench measures the adapters against the best that a program can do with the bare clients: the same broker, the same durability, the
// same window, in one run.
package bench
