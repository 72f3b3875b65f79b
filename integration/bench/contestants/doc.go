// Package contestants holds the programs that are measured side by side: Herald, the best that could be written on each bare client, and other
// libraries, each at its defaults and at its best settings.
package contestants
