package config

import (
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/herald-go/herald/pkg/messaging"
)

// check returns a value as it is kept, or what was expected instead. Its errors never repeat the value.
func (k *key) check(s string) (string, error) {
	isOK := true
	switch k.kind {
	case text:
		isOK = s != "" || k.url // a URL that is empty has a message of its own
	case name:
		isOK = validName(s)
	case choice:
		isOK = slices.Contains(k.values, s)
	case whole:
		return s, k.checkWhole(s)
	case duration:
		return s, k.checkDuration(s)
	case flag:
		s = strings.ToLower(s)
		isOK = s == "true" || s == "false"
	case start:
		_, isOK = startOf(s)
	case pattern:
		isOK = validPattern(s)
	}
	if !isOK {
		return s, k.expected()
	}
	return s, nil
}

func (k *key) expected() error { return errors.New("expected " + k.expects()) }

// decimal is how JSON and YAML 1.2 write whole numbers; a leading zero would be another number in YAML 1.1.
var decimal = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)

func (k *key) checkWhole(s string) error {
	if s == k.word && s != "" {
		return nil
	}
	n, ok := new(big.Int).SetString(s, 10)
	if !ok || !decimal.MatchString(s) || n.Cmp(big.NewInt(k.min)) < 0 {
		return k.expected()
	}
	if n.Cmp(big.NewInt(k.most())) > 0 {
		return fmt.Errorf("expected a whole number of %d or less", k.most())
	}
	return nil
}

func (k *key) checkDuration(s string) error {
	if s == k.word && s != "" {
		return nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || int64(d) < k.min || k.max > 0 && int64(d) > k.max {
		return k.expected()
	}
	return nil
}

// validName asks pkg/messaging, whose rule it is.
func validName(s string) bool {
	return s != "" && messaging.Config{Service: s}.Validate() == nil
}

// types are the characters of event types and patterns.
var types = regexp.MustCompile(`^[A-Za-z0-9._:/*#-]{1,255}$`)

func validPattern(s string) bool {
	if !types.MatchString(s) {
		return false
	}
	return !slices.ContainsFunc(strings.Split(s, "."), func(word string) bool {
		return len(word) > 1 && strings.ContainsAny(word, "*#")
	})
}

// startOf reads where a group begins.
func startOf(s string) (messaging.Start, bool) {
	switch s {
	case "oldest":
		return messaging.Oldest(), true
	case "newest":
		return messaging.Newest(), true
	}
	if position, ok := strings.CutPrefix(s, "after:"); ok {
		return messaging.After(position), position != ""
	}
	t, err := time.Parse(time.RFC3339, s)
	return messaging.At(t), err == nil
}

// isTrue reads a flag.
func isTrue(s string) bool {
	b, _ := strconv.ParseBool(s)
	return b
}
