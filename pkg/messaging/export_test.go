package messaging

// Held returns how many events the broker's subscriptions have in hand.
func Held(b *Broker) int {
	n := 0
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.subscriptions {
		s.mu.Lock()
		n += s.held
		s.mu.Unlock()
	}
	return n
}
