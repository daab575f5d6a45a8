package flow

import (
	"errors"
	"time"
	_ "time/tzdata" // for machines without a time zone database
)

var errZone = errors.New("there is no such time zone")

// zone gives a time zone by its IANA name. "Local" is none: what it means depends
// on the machine.
func zone(name string) (*time.Location, error) {
	if name == "" || name == "Local" {
		return nil, errZone
	}
	l, err := time.LoadLocation(name)
	if err != nil {
		return nil, errZone
	}
	return l, nil
}
