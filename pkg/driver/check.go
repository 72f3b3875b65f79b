package driver

import (
	"errors"
	"fmt"
)

var (
	errTopicName  = errors.New("not a topic name")
	errGroupName  = errors.New("not a group name")
	errGroupOrAll = errors.New("want either a group or a broadcast")
	errNoWindow   = errors.New("window and window bytes must be positive")
	errBounds     = errors.New("bounds must not be negative")
)

// CheckTopic returns an error that quotes the name if it is no topic's ([ValidName]).
func CheckTopic(name string) error {
	if ValidName(name) {
		return nil
	}
	return fmt.Errorf("%q: %w", name, errTopicName)
}

// CheckGroup returns an error that quotes the name if it is no group's ([ValidName]).
func CheckGroup(name string) error {
	if ValidName(name) {
		return nil
	}
	return fmt.Errorf("%q: %w", name, errGroupName)
}

// Check returns what no broker could serve of the spec: names, a window, partitions, a broadcast that begins anywhere but now. What is wrong
// with the partitions or with such a broadcast wraps [ErrUnsupported]. Drivers call it first in Subscribe.
func (s *Spec) Check() error {
	if err := CheckTopic(s.Topic); err != nil {
		return err
	}
	if s.Broadcast == (s.Group != "") {
		return errGroupOrAll
	}
	if s.Window <= 0 || s.WindowBytes <= 0 {
		return errNoWindow
	}
	if s.Broadcast {
		return s.checkBroadcast()
	}
	if err := CheckGroup(s.Group); err != nil {
		return err
	}
	return checkPartitions(s.Partitions)
}

func (s *Spec) checkBroadcast() error {
	switch {
	case s.Partitions != 0:
		return fmt.Errorf("%w: a broadcast has no partitions", ErrUnsupported)
	case s.Start.Kind != StartDefault && s.Start.Kind != StartNewest:
		return fmt.Errorf("%w: a broadcast begins now", ErrUnsupported)
	default:
		return nil
	}
}

// Check returns what no broker could serve of the spec: names, partitions, negative bounds. What is wrong with the partitions wraps
// [ErrUnsupported]. Drivers call it first in Declare.
func (t *TopicSpec) Check() error {
	if err := CheckTopic(t.Name); err != nil {
		return err
	}
	for _, g := range t.Groups {
		if err := CheckGroup(g); err != nil {
			return err
		}
	}
	if t.MaxAge < 0 || t.MaxBytes < 0 || t.MaxCount < 0 {
		return errBounds
	}
	return checkPartitions(t.Partitions)
}

func checkPartitions(n int) error {
	if n < 0 || n > Slots {
		return fmt.Errorf("%w: partitions must be 0 to %d", ErrUnsupported, Slots)
	}
	return nil
}
