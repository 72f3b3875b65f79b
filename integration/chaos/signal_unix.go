//go:build unix

package chaos

import "syscall"

// freeze stops the process where it is.
func (c *child) freeze() error { return c.cmd.Process.Signal(syscall.SIGSTOP) }

// thaw lets it go on.
func (c *child) thaw() error { return c.cmd.Process.Signal(syscall.SIGCONT) }
