package driver_test

import (
	"errors"
	"testing"
	"time"

	"github.com/herald-go/herald/pkg/driver"
)

func TestSpec_CheckNamesWhatNoBrokerCouldServe(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change      func(*driver.Spec)
		want        string
		unsupported bool
	}{
		"good":            {func(*driver.Spec) {}, "", false},
		"good broadcast":  {func(s *driver.Spec) { s.Group, s.Broadcast = "", true }, "", false},
		"most partitions": {func(s *driver.Spec) { s.Partitions = driver.Slots }, "", false},
		"topic":           {func(s *driver.Spec) { s.Topic = "a b" }, `"a b": not a topic name`, false},
		"group":           {func(s *driver.Spec) { s.Group = "a..b" }, `"a..b": not a group name`, false},
		"neither":         {func(s *driver.Spec) { s.Group = "" }, "want either a group or a broadcast", false},
		"both":            {func(s *driver.Spec) { s.Broadcast = true }, "want either a group or a broadcast", false},
		"no window":       {func(s *driver.Spec) { s.Window = 0 }, "window and window bytes must be positive", false},
		"no window bytes": {func(s *driver.Spec) { s.WindowBytes = -1 }, "window and window bytes must be positive", false},
		"partitions":      {func(s *driver.Spec) { s.Partitions = driver.Slots + 1 }, "partitions must be 0 to 64", true},
		"fewer":           {func(s *driver.Spec) { s.Partitions = -1 }, "partitions must be 0 to 64", true},
		"parted broadcast": {
			func(s *driver.Spec) { s.Group, s.Broadcast, s.Partitions = "", true, 1 }, "a broadcast has no partitions", true,
		},
		"old broadcast": {
			func(s *driver.Spec) { s.Group, s.Broadcast, s.Start.Kind = "", true, driver.StartOldest }, "a broadcast begins now", true,
		},
	} {
		s := driver.Spec{Topic: "orders", Group: "billing", Window: 1, WindowBytes: 1}
		tc.change(&s)
		checked(t, name, s.Check(), tc.want, tc.unsupported)
	}
}

func TestTopicSpec_CheckNamesWhatNoBrokerCouldServe(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		spec        driver.TopicSpec
		want        string
		unsupported bool
	}{
		"good":       {driver.TopicSpec{Name: "a", Groups: []string{"g"}, Partitions: 3, MaxAge: time.Hour}, "", false},
		"topic":      {driver.TopicSpec{Name: ""}, `"": not a topic name`, false},
		"group":      {driver.TopicSpec{Name: "a", Groups: []string{"g", "-x y"}}, `"-x y": not a group name`, false},
		"partitions": {driver.TopicSpec{Name: "a", Partitions: 65}, "partitions must be 0 to 64", true},
		"age":        {driver.TopicSpec{Name: "a", MaxAge: -1}, "bounds must not be negative", false},
		"bytes":      {driver.TopicSpec{Name: "a", MaxBytes: -1}, "bounds must not be negative", false},
		"count":      {driver.TopicSpec{Name: "a", MaxCount: -1}, "bounds must not be negative", false},
	} {
		checked(t, name, tc.spec.Check(), tc.want, tc.unsupported)
	}
}

func checked(t *testing.T, name string, err error, want string, unsupported bool) {
	t.Helper()
	if unsupported {
		want = driver.ErrUnsupported.Error() + ": " + want
	}
	got := ""
	if err != nil {
		got = err.Error()
	}
	if got != want || errors.Is(err, driver.ErrUnsupported) != unsupported {
		t.Errorf("%s: %q, want %q", name, got, want)
	}
}
