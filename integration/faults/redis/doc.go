// Package redis hurts Redis while Herald works on it.
package redis
