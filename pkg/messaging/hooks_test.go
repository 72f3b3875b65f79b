package messaging_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/herald-go/herald/adapters/memory"
	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/messaging"
)

func TestHooks_AddUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s *shop
		hooks := func(name string) messaging.Option {
			return messaging.WithHooks(messaging.Hooks{
				Publish: func(ctx context.Context, _ string, _ []envelope.Event) (context.Context, func(error)) {
					s.saw("%s publishes", name)
					return ctx, func(error) { s.saw("%s published", name) }
				},
				Handle: func(ctx context.Context, _ *messaging.Delivery) (context.Context, func(error)) {
					s.saw("%s handles", name)
					return ctx, func(error) { s.saw("%s handled", name) }
				},
				DeadLetter: func(l *messaging.DeadLetter) { s.saw("%s buries %s", name, l.Event.Data) },
			})
		}
		s = newShop(t, memory.Config{}, hooks("one"), messaging.WithHooks(messaging.Hooks{}), hooks("two"))
		s.subscribe(func(context.Context, *messaging.Delivery) error { return messaging.Permanent(errHandler) }, messaging.Concurrency(1))
		s.put("x")
		synctest.Wait()
		if got, want := s.startingWith("one"), []string{"one publishes", "one published", "one handles", "one handled", "one buries x"}; !sameWords(got, want) {
			t.Errorf("saw %q", s.seen)
		}
		if got := s.startingWith("two"); len(got) != 5 {
			t.Errorf("saw %q", got)
		}
		if slices.Index(s.seen, "one handles") > slices.Index(s.seen, "two handles") || slices.Index(s.seen, "two handled") > slices.Index(s.seen, "one handled") {
			t.Errorf("order: %q", s.seen)
		}
	})
}

// sameWords compares without regard to order: publishing and handling run side by side.
func sameWords(a, b []string) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}
