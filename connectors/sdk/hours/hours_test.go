package hours_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"parley/connectors/sdk/hours"
)

func TestHoursAreReadAsPeopleWriteThem(t *testing.T) {
	for text, want := range map[string][]hours.Stretch{
		"9:00-14:00, 16:00-20:30": {{540, 840}, {960, 1230}},
		"0:00-24:00":              {{0, 1440}},
	} {
		got, err := hours.Parse(text)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for text, want := range map[string]error{
		"": hours.ErrHours, "9-5": hours.ErrHours, "9:00-9:00": hours.ErrOrder, "9:00-24:01": hours.ErrOrder, "9:00-12:00, 11:00-13:00": hours.ErrOrder,
	} {
		_, err := hours.Parse(text)
		require.ErrorIs(t, err, want, text)
	}
}

func TestDaysMayGoOverTheWeeksEnd(t *testing.T) {
	got, err := hours.Weekdays("Sat-mon")
	require.NoError(t, err)
	require.Equal(t, []time.Weekday{time.Saturday, time.Sunday, time.Monday}, got)
	_, err = hours.Weekdays("someday")
	require.ErrorIs(t, err, hours.ErrDays)
}
