package flow

import (
	"archive/zip"
	_ "embed" // the zones
	"errors"
	"io"
	"strings"
	"sync"
	"time"
)

// zoneData holds the IANA time zone database as Go 1.26.8 ships it
// (lib/time/zoneinfo.zip, public domain): flows give the same result on every
// machine, whatever zones it has.
//
//go:embed zoneinfo.zip
var zoneData string

var errZone = errors.New("there is no such time zone")

// zones are those that were read.
var zones sync.Map

// zone gives a time zone by its IANA name. It is safe for concurrent use.
func zone(name string) (*time.Location, error) {
	if known, ok := zones.Load(name); ok {
		return known.(*time.Location), nil
	}
	archive, err := zip.NewReader(strings.NewReader(zoneData), int64(len(zoneData)))
	if err != nil {
		return nil, err
	}
	f, err := archive.Open(name)
	if err != nil || name == "" {
		return nil, errZone
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	if err != nil {
		return nil, errZone
	}
	l, err := time.LoadLocationFromTZData(name, data)
	if err != nil {
		return nil, errZone
	}
	zones.Store(name, l)
	return l, nil
}
