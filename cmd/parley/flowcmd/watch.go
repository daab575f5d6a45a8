package flowcmd

import (
	"context"
	"fmt"
	"io"
	"time"

	"parley/cmd/parley/apiclient"
	"parley/connectors/sdk"
)

// watchPause is how often a watched file is looked at.
const watchPause = 300 * time.Millisecond

// watch publishes a file, and again at each tick by which it reads otherwise. What
// is wrong is said, and the next version waited for. It ends with ctx.
func (p *publishing) watch(ctx context.Context, w io.Writer, file string, list []sdk.Connector, ticks <-chan time.Time) error {
	last, first := "", true
	for {
		src, err := read(file)
		switch {
		case err != nil && first:
			return err
		case err == nil && (first || src.text != last): // one that is just being saved may not be there
			last, first = src.text, false
			if err := p.once(ctx, w, file, list); err != nil && err.Error() != "" && ctx.Err() == nil {
				fmt.Fprintln(w, err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticks:
		}
	}
}

// Watch publishes a file to live whenever it is saved, as publish --watch does,
// until ctx ends. What becomes of it is written to w.
func Watch(ctx context.Context, w io.Writer, client apiclient.Client, file string, list []sdk.Connector) error {
	p := &publishing{client: client, stage: "live"}
	return p.watch(ctx, w, file, list, time.Tick(watchPause))
}
