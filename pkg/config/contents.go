package config

import "github.com/herald-go/herald/pkg/messaging"

// Topics returns what the file says each topic should be, sorted by name, those with declare: none among them. The slice is the caller's.
func (c *Config) Topics() []messaging.Topic {
	topics := c.get().root.at("topics")
	out := make([]messaging.Topic, 0, len(topics.names()))
	for _, name := range topics.names() {
		t := topicOf(name, topics.at(name))
		v, _ := topics.value(name, "declare")
		t.Verify = v == "verify"
		out = append(out, t)
	}
	return out
}

// Handled is a group that the file says handles a topic.
type Handled struct {
	// Group and Topic are the names.
	Group, Topic string
	// Types are the patterns of the event types that the group gets; empty is those that its handler has routes for.
	Types []string
}

// Handled returns the groups that the file has settings for, sorted by group and topic. Those that only a topic's list of groups names are in
// Topics. The slice is the caller's.
func (c *Config) Handled() []Handled {
	groups := c.get().root.at("groups")
	var out []Handled
	for _, group := range groups.names() {
		for _, topic := range groups.at(group).names() {
			types, _ := groups.at(group, topic).list("types")
			out = append(out, Handled{Group: group, Topic: topic, Types: types})
		}
	}
	return out
}
