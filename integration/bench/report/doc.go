// Package report turns the results of contests into text for the terminal, lines that benchstat reads, and the tables and plots of a page.
package report
