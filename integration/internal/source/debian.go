package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"github.com/herald-go/herald/integration/internal/lock"
)

// installVariable declines with "0" that anything is installed or fetched.
const installVariable = "HERALD_TEST_INSTALL"

func mayInstall() bool { return os.Getenv(installVariable) != "0" }

func tell(announce io.Writer, format string, args ...any) {
	_, _ = fmt.Fprintf(announce, "brokers: "+format+"\n", args...) // nobody is left to tell of a failure
}

// find returns the path of a program. Where it is missing, on Debian and as root, the packages are installed; the services that they bring are
// kept from starting, now and later.
func find(ctx context.Context, announce io.Writer, name string, packages ...string) (string, error) {
	path, err := lookPath(name)
	if err == nil {
		return path, nil
	}
	apt, aptErr := exec.LookPath("apt-get")
	switch {
	case aptErr != nil:
		return "", fmt.Errorf("%w: %s is not installed", ErrAbsent, name)
	case os.Geteuid() != 0:
		return "", fmt.Errorf("%w: %s is not installed, and installing %s needs root", ErrAbsent, name, strings.Join(packages, " "))
	case !mayInstall():
		return "", fmt.Errorf("%w: %s is not installed, and %s=0 declines installing %s", ErrAbsent, name, installVariable, strings.Join(packages, " "))
	}
	if err := install(ctx, announce, apt, packages); err != nil {
		return "", fmt.Errorf("%w: %s can't be installed: %w", ErrAbsent, name, err)
	}
	return lookPath(name)
}

// lookPath also looks where administrators' programs are, which are not on every user's path.
func lookPath(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err == nil {
		return path, nil
	}
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin"} {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path, nil
		}
	}
	return "", err
}

// installing keeps packages from being installed two at a time.
var installing sync.Mutex

// policy is Debian's way to keep a package's services from starting: https://people.debian.org/~hmh/invokerc.d-policyrc.d-specification.txt.
const policy = "/usr/sbin/policy-rc.d"

func install(ctx context.Context, announce io.Writer, apt string, packages []string) error {
	installing.Lock()
	defer installing.Unlock()
	// Nor may two processes of a run do it at a time: apt does not wait for the lock of its lists, and the policy below belongs to one of them.
	unlock, err := lock.File(ctx, lock.Install)
	if err != nil {
		return err
	}
	defer unlock()
	tell(announce, "installing Debian's %s; %s=0 declines that", strings.Join(packages, " "), installVariable)
	if _, err := os.Stat(policy); errors.Is(err, os.ErrNotExist) {
		if err := os.WriteFile(policy, []byte("#!/bin/sh\nexit 101\n"), 0o755); err != nil {
			return err
		}
		defer func() { _ = os.Remove(policy) }()
	}
	wait := []string{"-o", "DPkg::Lock::Timeout=300", "-qq"}
	commands := [][]string{
		append([]string{apt, "update"}, wait...),
		append(append([]string{apt, "install", "-y", "--no-install-recommends"}, wait...), packages...),
	}
	if systemctl, err := exec.LookPath("systemctl"); err == nil && len(services(packages)) > 0 {
		commands = append(commands, append([]string{systemctl, "disable", "--quiet"}, services(packages)...))
	}
	for _, args := range commands {
		cmd := exec.CommandContext(ctx, args[0], args[1:]...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", strings.Join(args, " "), err, out)
		}
	}
	return nil
}

// services are those of the packages that bring one, under the same name.
func services(packages []string) []string {
	var services []string
	for _, name := range packages {
		if strings.HasSuffix(name, "-server") {
			services = append(services, name)
		}
	}
	return services
}
