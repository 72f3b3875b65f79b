// Package foreign runs clients of other languages against the brokers of the tests, so that the wire forms are read and written by somebody
// who knows nothing of Herald.
//
// A script is a small program beside this file. It takes one JSON object on standard input, does one thing, and writes one JSON value:
//
//	{"do": "prepare", "url": …, "topic": …}               makes a place that holds what comes to the topic
//	{"do": "read", "url": …, "topic": …, "count": n}      → the next n messages, as the broker has them
//	{"do": "publish", "url": …, "topic": …, "messages": […]}
//
// The clients are installed once for each version of the lists here, into the user's cache folder.
package foreign
