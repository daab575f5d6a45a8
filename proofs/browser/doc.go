// Package browser holds the proof made in a real browser: a visitor of a web page
// buys something in the chat widget, pays, comes back, and talks to a person, all
// on a built parley-dev with nothing but its public face. PARLEY_SCREENSHOTS names
// a folder for pictures of every step.
package browser
