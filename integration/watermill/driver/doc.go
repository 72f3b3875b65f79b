// Package driver runs Herald over brokers of Watermill's: the drivers' contract, and events that fail, wait and die.
package driver
