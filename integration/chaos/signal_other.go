//go:build !unix

package chaos

import "errors"

// freeze stops the process where it is.
func (c *child) freeze() error { return errors.ErrUnsupported }

// thaw lets it go on.
func (c *child) thaw() error { return errors.ErrUnsupported }
