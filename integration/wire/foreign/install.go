package foreign

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/herald-go/herald/integration/internal/lock"
)

// interpreter makes sure that the language's program is there: on Debian as root it is installed, unless HERALD_TEST_INSTALL=0 declines.
func (l language) interpreter(ctx context.Context) error {
	missing := l.missing()
	if len(missing) == 0 {
		return nil
	}
	why := strings.Join(missing, ", ") + " not found"
	switch _, err := os.Stat("/etc/debian_version"); {
	case err != nil || os.Geteuid() != 0:
		return errors.New(why)
	case os.Getenv("HERALD_TEST_INSTALL") == "0":
		return errors.New(why + ", and HERALD_TEST_INSTALL=0 declines to install")
	}
	unlock, err := lock.File(ctx, lock.Install)
	if err != nil {
		return err
	}
	defer unlock()
	if len(l.missing()) == 0 {
		return nil // another test process was faster
	}
	fmt.Fprintf(os.Stderr, "installing %s with apt-get\n", strings.Join(l.packages, " "))
	if err := run(ctx, "/", "apt-get", "update", "-qq"); err != nil {
		return err
	}
	return run(ctx, "/", "apt-get", append([]string{"install", "-y", "-qq", "--no-install-recommends"}, l.packages...)...)
}

// missing returns what of the language's programs is not there.
func (l language) missing() []string {
	var missing []string
	if _, err := exec.LookPath(l.program); err != nil {
		missing = append(missing, l.program)
	}
	switch l.name {
	case "node":
		if _, err := exec.LookPath("npm"); err != nil {
			missing = append(missing, "npm")
		}
	case "python":
		if len(missing) == 0 && exec.Command("python3", "-m", "pip", "--version").Run() != nil { //nolint:noctx // it answers at once
			missing = append(missing, "pip")
		}
	}
	return missing
}
