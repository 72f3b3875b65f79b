package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
)

// requireVariable names the brokers, separated by commas, whose absence is a failure.
const requireVariable = "HERALD_TEST_REQUIRE"

// valkey is a variety of redis: the same adapter, another server.
const valkey = "valkey"

// requiredBrokers returns what the variable names.
func requiredBrokers() ([]string, error) {
	var required []string
	for name := range strings.SplitSeq(os.Getenv(requireVariable), ",") {
		name = strings.TrimSpace(name)
		if name == "" {
			continue
		}
		if name != valkey && !slices.Contains(known, name) {
			return nil, fmt.Errorf("%s names %q, and can name %s, %s", requireVariable, name, strings.Join(known, ", "), valkey)
		}
		required = append(required, name)
	}
	return required, nil
}

// missing is an error if the drivers' contract was not tested on a required broker.
func (r *report) missing(required []string) error {
	tested := map[string]bool{}
	for on, result := range r.suites()[conformance] {
		if result.passed+result.failed > 0 {
			tested[on.name()] = true
		}
	}
	var errs []error
	for _, name := range required {
		if !tested[name] {
			errs = append(errs, fmt.Errorf("%s is required by %s, and %s did not run on it", name, requireVariable, conformance))
		}
	}
	return errors.Join(errs...)
}

// name is what HERALD_TEST_REQUIRE calls the broker.
func (p place) name() string {
	if strings.HasPrefix(p.version, valkey+" ") {
		return valkey
	}
	return p.broker
}
