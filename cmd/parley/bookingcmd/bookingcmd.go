// Package bookingcmd is `parley calendar` and `parley booking`: when appointments can
// be had, and which were made.
package bookingcmd

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"os"

	"github.com/goccy/go-yaml"
	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"parley/api"
	"parley/cmd/parley/apiclient"
	"parley/cmd/parley/exit"
)

// Calendar returns the command `parley calendar`.
func Calendar() *cobra.Command {
	return exit.Group(&cobra.Command{Use: "calendar", Short: "Say when appointments can be had"}, put(),
		command("list", "List calendars, as JSON", "calendars:read", cobra.NoArgs, nil,
			func(ctx context.Context, c *apiclient.Client, _ []string, _ url.Values) (any, error) {
				return pages[api.Calendar](ctx, c, "/v1/calendars", url.Values{})
			}),
		command("show NAME", "Show a calendar, as JSON", "calendars:read", cobra.ExactArgs(1), nil,
			func(ctx context.Context, c *apiclient.Client, args []string, _ url.Values) (any, error) {
				var out api.Calendar
				return &out, c.Do(ctx, http.MethodGet, calendarPath(args[0]), nil, &out)
			}),
		command("slots NAME", "List what is free in a calendar, as JSON, at most 200", "calendars:read", cobra.ExactArgs(1),
			map[string]string{"from": "the earliest start, such as 2026-12-01T00:00:00Z; now where not said", "to": "the latest start"},
			func(ctx context.Context, c *apiclient.Client, args []string, q url.Values) (any, error) {
				var out api.Page[api.Slot]
				return &out.Items, c.Do(ctx, http.MethodGet, calendarPath(args[0])+"/slots?"+q.Encode(), nil, &out)
			}),
		command("delete NAME", "Remove a calendar in which no appointments are ahead", "calendars:write", cobra.ExactArgs(1), nil,
			func(ctx context.Context, c *apiclient.Client, args []string, _ url.Values) (any, error) {
				return nil, c.Do(ctx, http.MethodDelete, calendarPath(args[0]), nil, nil)
			}))
}

// Booking returns the command `parley booking`.
func Booking() *cobra.Command {
	return exit.Group(&cobra.Command{Use: "booking", Short: "List appointments, and cancel them"},
		command("list", "List appointments in the order of their start, as JSON", "bookings:read", cobra.NoArgs,
			map[string]string{"calendar": "only this calendar's", "state": "booked or cancelled", "contact": "only this contact's, by its ID",
				"since": "only those that begin at this time or later, such as 2026-12-01T00:00:00Z", "until": "only those that begin before this time"},
			func(ctx context.Context, c *apiclient.Client, _ []string, q url.Values) (any, error) {
				return pages[api.Booking](ctx, c, "/v1/bookings", q)
			}),
		command("cancel ID", "Give an appointment's place back; the customer is not told", "bookings:write", cobra.ExactArgs(1), nil,
			func(ctx context.Context, c *apiclient.Client, args []string, _ url.Values) (any, error) {
				id, err := uuid.Parse(args[0])
				if err != nil {
					return nil, exit.Misused("ID must be a booking's, as parley booking list shows it")
				}
				var out api.Booking
				return &out, c.Do(ctx, http.MethodPost, "/v1/bookings/"+id.String()+"/cancel", nil, &out)
			}))
}

const example = `
The file is YAML or JSON:

    title: Dr Rao
    zone: Asia/Kolkata
    minutes: 30                    # how long an appointment takes
    every_minutes: 30              # how far apart two begin
    capacity: 1                    # how many at once
    week: {mon-fri: "9:00-13:00, 16:00-19:00", sat: "10:00-13:00"}
    days: {2026-12-24: "9:00-12:00"}
    closed: [2026-12-25]
    notice_minutes: 60             # how long ahead one must book
    horizon_days: 30               # how far ahead one can`

func put() *cobra.Command {
	cmd := command("put NAME FILE", "Create a calendar or replace it; appointments that were made stay", "calendars:write", cobra.ExactArgs(2), nil,
		func(ctx context.Context, c *apiclient.Client, args []string, _ url.Values) (any, error) {
			raw, err := os.ReadFile(args[1])
			if err != nil {
				return nil, exit.Misused("%v", err)
			}
			var in map[string]any
			if err := yaml.Unmarshal(raw, &in); err != nil || in == nil {
				return nil, exit.Misused("%s must hold a mapping, in YAML or JSON", args[1])
			}
			var out api.Calendar
			return &out, c.Do(ctx, http.MethodPut, calendarPath(args[0]), in, &out)
		})
	cmd.Long += "\n" + example
	return cmd
}

func calendarPath(name string) string { return "/v1/calendars/" + url.PathEscape(name) }

// pages reads a whole list.
func pages[T any](ctx context.Context, c *apiclient.Client, path string, q url.Values) ([]T, error) {
	all := []T{}
	for {
		var page api.Page[T]
		if err := c.Do(ctx, http.MethodGet, path+"?"+q.Encode(), nil, &page); err != nil {
			return nil, err
		}
		if all = append(all, page.Items...); page.Next == "" {
			return all, nil
		}
		q.Set("after", page.Next)
	}
}

// command runs do against the API with the flags that were given as a query, and
// prints what it returns as JSON, if anything.
func command(use, short, scope string, args cobra.PositionalArgs, flags map[string]string,
	do func(context.Context, *apiclient.Client, []string, url.Values) (any, error)) *cobra.Command {
	c := &apiclient.Client{}
	cmd := &cobra.Command{Use: use, Short: short, Args: exit.Args(args),
		Long: short + ".\n\nThe key of the API is read from " + apiclient.EnvKey + "; it needs the scope " + scope + "."}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := c.PrepareKey(scope); err != nil {
			return err
		}
		q := url.Values{}
		for name := range flags {
			if v, _ := cmd.Flags().GetString(name); v != "" {
				q.Set(name, v)
			}
		}
		out, err := do(cmd.Context(), c, args, q)
		if err != nil || out == nil {
			return err
		}
		enc := json.NewEncoder(cmd.OutOrStdout())
		enc.SetIndent("", "  ")
		return enc.Encode(out)
	}
	c.Flags(cmd.Flags())
	for name, usage := range flags {
		cmd.Flags().String(name, "", usage)
	}
	return cmd
}
