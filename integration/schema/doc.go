// Package schema holds the registry client against a registry that others wrote: franz-go's fake, run as a process of its own, with franz-go's
// client beside ours. HERALD_TEST_REGISTRY names a real registry to run the same tests against. It has tests only.
package schema
