package flowcmd

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"parley/cmd/parley/exit"
	"parley/connectors/sdk"
	"parley/internal/transcript"
	"parley/workflows/flow"
)

func replCommand(list []sdk.Connector) *cobra.Command {
	r := repl{}
	var replies string
	cmd := &cobra.Command{
		Use: "repl FILE", Short: "Talk to a flow in the terminal",
		Long: `Plays a flow with you as the customer. Nothing is called: when the flow waits for a
connector, you give its answer or let it fail. What you type is what the customer
writes; lines that begin with a slash are commands:

` + replHelp + `
With --replies, connectors answer as that file of transcripts says.

Exit code 0, unless the flow cannot be read.`,
		Args: exit.Args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			r.in, r.out = bufio.NewScanner(cmd.InOrStdin()), cmd.OutOrStdout()
			if err := r.open(list, args[0], replies); err != nil {
				return err
			}
			return r.talk(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.StringVar(&r.setting.Channel, "channel", "webchat", "the channel, by its connector's name")
	f.StringVar(&r.name, "name", "", "the customer's name")
	f.StringVar(&replies, "replies", "", "file of transcripts whose replies answer connectors")
	return cmd
}

const replHelp = `    /tap CHOICE            tap a choice, by its label or ID
    /enter ID              tap something outside of the flow (an ice breaker)
    /send KIND [FILENAME]  send an image, video, audio or document
    /location LAT LON      send a place
    /intent NAME TEXT      write something, of which an engine understands the intent
    /skip TIME             let time pass: 3 days, until tomorrow 09:00
    /give JSON             answer the call that is waited for
    /fail CLASS [CODE]     let it fail: unavailable, throttled, rejected …
    /news NAME [JSON]      news of the payment or call, such as payment.paid
    /agent takes|returns   a person takes the conversation, or gives it back
    /state                 where the flow stands, with its variables
    /undo                  take back the last line
    /save FILE [NAME]      save all of it as a transcript
    /quit                  leave
`

// repl is one session. What was done is kept, so that it can be undone.
type repl struct {
	in      *bufio.Scanner
	out     io.Writer
	file    string
	name    string
	doc     *flow.Document
	program *flow.Program
	channel sdk.Channel
	setting transcript.Setting

	done     []func(*transcript.Recorder) error
	recorder *transcript.Recorder
	shown    int
}

func (r *repl) open(list []sdk.Connector, file, replies string) error {
	r.file = file
	src, err := read(file)
	if err != nil {
		return err
	}
	doc, problems := flow.Parse(file, []byte(src.text))
	r.doc = doc
	if len(problems) == 0 {
		r.program, err = flow.Compile(doc)
		if found, ok := errors.AsType[flow.Problems](err); ok {
			problems = found
		}
	}
	for _, p := range problems {
		fmt.Fprintln(r.out, src.place(p))
	}
	if len(problems) > 0 {
		return exit.Failed()
	}
	ch, err := channelOf(list, r.setting.Channel)
	if err != nil {
		return exit.Misused("--channel: %v", err)
	}
	r.channel = *ch
	return r.set(replies)
}

// set makes what the conversation begins with.
func (r *repl) set(replies string) error {
	f, _ := transcript.Parse("", []byte("transcripts: {talk: [silence]}")) // the defaults
	if replies != "" {
		raw, err := os.ReadFile(replies)
		if err != nil {
			return exit.Misused("%v", err)
		}
		var problems []flow.Problem
		if f, problems = transcript.Parse(replies, raw); len(problems) > 0 {
			for _, p := range problems {
				fmt.Fprintln(r.out, p)
			}
			return exit.Failed()
		}
	}
	s := f.Setting
	s.Channel, s.Seed = r.setting.Channel, "talk"
	if r.name != "" {
		s.Contact = map[string]any{"name": r.name}
	}
	r.setting = s
	r.begin()
	return nil
}

func (r *repl) begin() {
	r.recorder = transcript.NewRecorder(transcript.NewRehearsal(r.doc, r.program, r.channel, r.setting))
	r.shown = 0
}

// talk reads lines until there are no more.
func (r *repl) talk(ctx context.Context) error {
	fmt.Fprintf(r.out, "Talking to %s on %s. /help tells what else can be done.\n", r.doc.Name(), r.setting.Channel)
	for {
		fmt.Fprint(r.out, "> ")
		if !r.in.Scan() || ctx.Err() != nil {
			fmt.Fprintln(r.out)
			return r.in.Err()
		}
		line := strings.TrimSpace(r.in.Text())
		if line == "/quit" {
			return nil
		}
		if line == "" {
			continue
		}
		if err := r.line(line); err != nil {
			fmt.Fprintf(r.out, "! %v\n", err)
		}
	}
}

// line does what one line says.
func (r *repl) line(line string) error {
	word, rest, _ := strings.Cut(line, " ")
	rest = strings.TrimSpace(rest)
	switch word {
	case "/help":
		_, err := io.WriteString(r.out, replHelp)
		return err
	case "/state":
		return r.state()
	case "/undo":
		return r.undo()
	case "/save":
		return r.save(rest)
	}
	do, err := r.reads(word, rest, line)
	if err != nil {
		return err
	}
	if err := do(r.recorder); err != nil {
		return err
	}
	r.done = append(r.done, do)
	r.show()
	return nil
}

// reads finds out what a line does to the conversation.
func (r *repl) reads(word, rest, line string) (func(*transcript.Recorder) error, error) {
	first, second, _ := strings.Cut(rest, " ")
	does := func(l transcript.Line) (func(*transcript.Recorder) error, error) {
		return func(rec *transcript.Recorder) error { return rec.Do(l) }, nil
	}
	switch word {
	case "/tap":
		return does(transcript.Taps(rest))
	case "/enter":
		return does(transcript.Enters(rest))
	case "/send":
		return does(transcript.Sends(sdk.Media{Kind: first, Filename: second, URL: "https://example.com/" + second}))
	case "/location":
		place, err := located(rest)
		if err != nil {
			return nil, err
		}
		return does(transcript.Locates(place))
	case "/intent":
		l := transcript.Says(second)
		l.Understood = &sdk.Understanding{Intent: first, Confidence: 1, Margin: 1}
		return does(l)
	case "/skip":
		l, ok := transcript.PassesUntil(rest, r.recorder.Now(), r.setting.Zone)
		if !ok {
			return nil, errors.New("write how much time passes: 3 days, 2h 30m, until tomorrow 09:00")
		}
		return does(l)
	case "/agent":
		if rest != "takes" && rest != "returns" {
			return nil, errors.New("a person takes or returns the conversation: /agent takes")
		}
		return does(transcript.Agent(rest))
	case "/news":
		data, err := value(second)
		if err != nil {
			return nil, err
		}
		return does(transcript.Hears(first, "", data))
	case "/give", "/fail":
		return r.ends(word, rest)
	}
	if strings.HasPrefix(word, "/") {
		return nil, fmt.Errorf("there is no command %s; /help lists them", word)
	}
	return does(transcript.Says(line))
}

func located(text string) (sdk.Location, error) {
	fields := strings.Fields(text)
	if len(fields) >= 2 {
		latitude, err1 := strconv.ParseFloat(strings.TrimSuffix(fields[0], ","), 64)
		longitude, err2 := strconv.ParseFloat(fields[1], 64)
		if err1 == nil && err2 == nil {
			return sdk.Location{Latitude: latitude, Longitude: longitude, Name: strings.Join(fields[2:], " ")}, nil
		}
	}
	return sdk.Location{}, errors.New("a place is written as /location 40.4 -3.7")
}

func value(text string) (any, error) {
	if text == "" {
		return nil, nil
	}
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		return nil, fmt.Errorf("this is no JSON: %w", err)
	}
	return v, nil
}

// ends answers the call that is waited for.
func (r *repl) ends(word, rest string) (func(*transcript.Recorder) error, error) {
	var a transcript.Answer
	if word == "/give" {
		v, err := value(rest)
		if err != nil {
			return nil, err
		}
		a.Give = v
	} else {
		class, code, _ := strings.Cut(rest, " ")
		if class == "" {
			class = string(sdk.Unavailable)
		}
		if !slices.Contains(transcript.Classes(), class) {
			return nil, fmt.Errorf("there is no error class %q; there are: %s", class, strings.Join(transcript.Classes(), ", "))
		}
		a.Error = &sdk.Error{Class: sdk.Class(class), Code: code, Message: "as it was typed"}
	}
	return func(rec *transcript.Recorder) error { return rec.End(a) }, nil
}

// show prints what the flow has done since.
func (r *repl) show() {
	if entered := r.recorder.Entered(); len(entered) > 0 {
		fmt.Fprintf(r.out, "  (%s)\n", strings.Join(entered, " → "))
	}
	for _, s := range r.recorder.Seen()[r.shown:] {
		mark := "·"
		if s.Kind == flow.EffectSend {
			mark = "│"
		}
		if s.Refused != "" {
			fmt.Fprintf(r.out, "! the channel refuses this: %s\n", s.Refused)
		}
		for _, l := range transcript.Show(s) {
			fmt.Fprintf(r.out, "%s %s\n", mark, l)
		}
	}
	r.shown = len(r.recorder.Seen())
	if call := r.recorder.Waits(); call != nil {
		fmt.Fprintf(r.out, "? waits for %s: /give JSON, or /fail CLASS\n", call.Operation)
	}
}

func (r *repl) state() error {
	st, err := r.recorder.State()
	if err != nil {
		return err
	}
	enc := json.NewEncoder(r.out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(st)
}

// undo plays everything again but the last line.
func (r *repl) undo() error {
	if len(r.done) == 0 {
		return errors.New("there is nothing to take back")
	}
	r.done = r.done[:len(r.done)-1]
	r.begin()
	for _, do := range r.done {
		if err := do(r.recorder); err != nil {
			return err
		}
	}
	r.shown = len(r.recorder.Seen())
	fmt.Fprintf(r.out, "taken back; %d lines are left\n", len(r.done))
	return nil
}

func (r *repl) save(rest string) error {
	file, name, _ := strings.Cut(rest, " ")
	if file == "" {
		return errors.New("name a file: /save shop_test.yaml")
	}
	if name = strings.TrimSpace(name); name == "" {
		name = "A conversation"
	}
	if _, err := os.Stat(file); err == nil {
		return fmt.Errorf("%s is there already", file)
	}
	to, err := relative(r.file, file)
	if err != nil {
		return err
	}
	if err := writeFile(file, func(w io.Writer) error { return r.recorder.Write(w, to, name) }); err != nil {
		return err
	}
	_, err = fmt.Fprintf(r.out, "saved; play it with: parley flow test %s\n", file)
	return err
}

// relative gives the path of a flow as a file of transcripts names it.
func relative(flowFile, transcripts string) (string, error) {
	from, err := filepath.Abs(filepath.Dir(transcripts))
	if err != nil {
		return "", err
	}
	to, err := filepath.Abs(flowFile)
	if err != nil {
		return "", err
	}
	rel, err := filepath.Rel(from, to)
	return filepath.ToSlash(rel), err
}
