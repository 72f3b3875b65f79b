// Package catalog says what a system's topics carry: an AsyncAPI 3.0 document for tools, and a page in HTML for people.
//
// [Build] puts it together from what is there already: the configuration files of the services (brokers, topics, groups), a registry of
// schemas, and a [Usage], which says what no configuration does: who publishes and handles which types.
//
//	c, err := catalog.Build(ctx, catalog.Config{Registry: registry, Configs: []*config.Config{cfg}, Usage: usage})
//	...
//	doc, err := c.AsyncAPI()
//	page, err := c.Page()
//
// # Types and topics
//
// A topic has the types that a publisher or a handler names for it: whole types, types with a version (order.placed@2), and patterns, in which
// * stands for one word between dots and # for any number of words. A handler that names none gets all that the topic has. A type that no topic
// has is shown without one.
//
// # What is not in it
//
// No user name, password or parameter of a broker's URL. The same input gives the same bytes.
package catalog
