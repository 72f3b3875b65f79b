package memory

import (
	"cmp"
	"context"
	"fmt"

	"github.com/herald-go/herald/pkg/driver"
)

// Declare implements driver.Topology. It declares all or nothing. Bounds that are zero are the server's.
func (c *conn) Declare(ctx context.Context, specs []driver.TopicSpec) error {
	s := c.server
	if err := s.await(ctx, c); err != nil {
		return fail("declare", "", err)
	}
	s.mu.RUnlock()
	s.mu.Lock()
	for _, spec := range specs {
		if err := s.declarable(spec); err != nil {
			s.mu.Unlock()
			return fail("declare", spec.Name, err)
		}
	}
	var after []func()
	for _, spec := range specs {
		if !spec.Verify {
			after = append(after, s.declare(spec)...)
		}
	}
	s.mu.Unlock()
	run(after)
	return nil
}

// wanted is the retention that a spec asks for.
func (s *Server) wanted(spec driver.TopicSpec) bounds {
	return bounds{
		count: cmp.Or(spec.MaxCount, s.cfg.MaxCount),
		bytes: cmp.Or(spec.MaxBytes, s.cfg.MaxBytes),
		age:   cmp.Or(spec.MaxAge, s.cfg.MaxAge),
	}
}

// declarable reports why a topic can't be declared as told. s.mu is held.
func (s *Server) declarable(spec driver.TopicSpec) error {
	if err := spec.Check(); err != nil {
		return err
	}
	t := s.topics[spec.Name]
	if t == nil {
		return missing(spec.Verify, "topic")
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.plain {
		return fmt.Errorf("a log without groups: %w", driver.ErrConflict)
	}
	if t.keep != s.wanted(spec) {
		return fmt.Errorf("retention: %w", driver.ErrConflict)
	}
	for _, g := range spec.Groups {
		if t.groups[g] == nil && spec.Verify {
			return missing(true, "group "+g)
		}
	}
	if spec.Verify && spec.Partitions > 0 && t.fixed() != spec.Partitions {
		return fmt.Errorf("topic has %d partitions, not %d: %w", t.fixed(), spec.Partitions, driver.ErrConflict)
	}
	if n := t.fixed(); spec.Partitions > 0 && n > 0 && n != spec.Partitions {
		return fmt.Errorf("topic has %d partitions, not %d: %w", n, spec.Partitions, driver.ErrConflict)
	}
	return nil
}

// missing is the error for what is asked for and not there; declaring makes it.
func missing(verify bool, what string) error {
	if !verify {
		return nil
	}
	return fmt.Errorf("%s is not there: %w", what, driver.ErrUnknownTopic)
}

// fixed returns the number of partitions that the topic or one of its groups has been given, 0 for none yet.
func (t *topic) fixed() int {
	n := t.partitions
	for _, name := range t.names() {
		n = cmp.Or(n, t.groups[name].parts)
	}
	return n
}

// declare makes the topic and its groups, and returns what is to be called when no lock is held. s.mu is held for writing.
func (s *Server) declare(spec driver.TopicSpec) []func() {
	t := s.create(spec.Name, false)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.keep = s.wanted(spec)
	t.partitions = cmp.Or(t.partitions, spec.Partitions)
	t.tick(now())
	for _, name := range spec.Groups {
		if t.groups[name] != nil {
			continue
		}
		from := t.log.first
		if t.transient {
			from = t.log.next
		}
		t.groups[name] = newGroup(t, name, from)
	}
	return t.takeAfter()
}
