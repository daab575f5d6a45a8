package nlucmd

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"parley/api/problem"
	"parley/cmd/internal/catalogue"
	"parley/cmd/parley/apiclient"
	"parley/cmd/parley/exit"
	"parley/connectors/sdk"
	"parley/internal/nlu"
	"parley/internal/nlu/classify"
	"parley/internal/nlu/evaluate"
	"parley/workflows/flow"
)

// learning is one call of learn.
type learning struct {
	client                 apiclient.Client
	intent, language, from string
	dry, forget            bool
	list                   []sdk.Connector
}

func learnCommand(list []sdk.Connector) *cobra.Command {
	l := learning{list: list}
	cmd := &cobra.Command{
		Use: "learn FLOW (--intent NAME TEXT… | --from FILE)", Short: "Add examples to the intents of a flow, and tell what that is worth",
		Long: `Adds examples to the intents of a flow document, whose formatting and comments stay
as they are, and tells what they are worth: how many of the flow's examples are
understood by a model that has not seen them, before and after, and how many of the
new ones. Publish the flow to have it understand them.

--from reads CSV with the columns text and label, and language where an intent has
examples by language, as parley nlu misses --csv writes it. Rows without a label are
passed over. With --forget, what was learnt is taken off the list of misses; that
needs a key with the scope flows:write in ` + apiclient.EnvKey + `.

Exit code 0: the flow is taught. 1: it could not be. 2: wrong usage.`,
		Args: exit.Args(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if (l.from == "") == (l.intent == "") || (l.from == "") == (len(args) == 1) {
				return exit.Misused("parley nlu learn needs either --intent NAME and texts, or --from FILE")
			}
			if l.forget {
				if err := l.client.Prepare("flows:write"); err != nil {
					return err
				}
			}
			lessons, err := l.lessons(args[1:])
			if err != nil {
				return err
			}
			return l.run(cmd.Context(), cmd.OutOrStdout(), args[0], lessons)
		},
	}
	f := cmd.Flags()
	l.client.Flags(f)
	f.StringVar(&l.intent, "intent", "", "the intent that the texts mean")
	f.StringVar(&l.language, "language", "", "their language, where the intent has examples by language")
	f.StringVar(&l.from, "from", "", "CSV `file` with what is to be learnt")
	f.BoolVar(&l.dry, "dry-run", false, "only tell what it is worth")
	f.BoolVar(&l.forget, "forget", false, "with --from: take what was learnt off the list of misses")
	return cmd
}

// lesson is what is to be learnt, with the miss that it comes from.
type lesson struct {
	flow.Lesson
	miss string
}

func (l *learning) lessons(texts []string) ([]lesson, error) {
	var out []lesson
	for _, text := range texts {
		out = append(out, lesson{Lesson: flow.Lesson{Intent: l.intent, Language: l.language, Text: text}})
	}
	if l.from == "" {
		return out, nil
	}
	f, err := os.Open(l.from)
	if err != nil {
		return nil, exit.Misused("%v", err)
	}
	defer f.Close()
	out, err = readLessons(f, l.language)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", l.from, err)
	}
	return out, nil
}

func readLessons(r io.Reader, language string) ([]lesson, error) {
	rows, err := csv.NewReader(r).ReadAll()
	if err != nil || len(rows) == 0 {
		return nil, errors.New("this is no CSV with a header and one text a line")
	}
	at := func(column string) int { return slices.Index(rows[0], column) }
	rows[0][0] = strings.TrimPrefix(rows[0][0], "\ufeff") // spreadsheets write it
	if at("text") < 0 || at("label") < 0 {
		return nil, errors.New("line 1: the header must have the columns text and label")
	}
	var out []lesson
	for _, row := range rows[1:] {
		label := row[at("label")]
		if label == "" || label == sdk.OutOfScope {
			continue
		}
		one := lesson{Lesson: flow.Lesson{Intent: label, Language: language, Text: unguarded(row[at("text")])}}
		if i := at("language"); i >= 0 && row[i] != "" {
			one.Language = row[i]
		}
		if i := at("id"); i >= 0 {
			one.miss = row[i]
		}
		out = append(out, one)
	}
	return out, nil
}

func (l *learning) run(ctx context.Context, w io.Writer, file string, lessons []lesson) error {
	src, err := os.ReadFile(file)
	if err != nil {
		return exit.Misused("%v", err)
	}
	var plain []flow.Lesson
	for _, one := range lessons {
		if !classify.Readable(one.Text) {
			return exit.Misused("%q has no words to learn from", one.Text)
		}
		plain = append(plain, one.Lesson)
	}
	before, err := examplesOf(file, src)
	if err != nil {
		return err
	}
	out, taught, err := flow.Teach(src, plain)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if err := l.stillGood(file, src, out); err != nil {
		return err
	}
	var added []classify.Example
	for _, one := range taught {
		added = append(added, classify.Example{Text: one.Text, Label: one.Intent})
	}
	if err := tell(ctx, w, before, added); err != nil {
		return err
	}
	if !l.dry {
		if err := replaceFile(file, src, out); err != nil {
			return err
		}
	}
	return l.done(ctx, lessons)
}

// examplesOf are what the flow has learnt from so far.
func examplesOf(file string, src []byte) ([]classify.Example, error) {
	doc, problems := flow.Parse(file, src)
	if len(problems) > 0 {
		return nil, fmt.Errorf("%s; put the flow right first: parley flow check %s", problems[0], file)
	}
	program, err := flow.Compile(doc)
	if err != nil {
		return nil, fmt.Errorf("%w; put the flow right first: parley flow check %s", err, file)
	}
	return nlu.Examples(program.Intents()), nil
}

// stillGood tells whether a flow has no problems that it had not before.
func (l *learning) stillGood(file string, before, after []byte) error {
	count := func(src []byte) (int, string) {
		doc, _ := flow.Parse(file, src)
		found := flow.Check(doc, catalogue.Of(l.list))
		if len(found) == 0 {
			return 0, ""
		}
		return len(found), found[len(found)-1].String()
	}
	had, _ := count(before)
	if has, last := count(after); has > had {
		return fmt.Errorf("what was to be learnt would spoil the flow: %s", last)
	}
	return nil
}

// tell says what new examples are worth.
func tell(ctx context.Context, w io.Writer, old, added []classify.Example) error {
	if len(added) == 0 {
		_, err := fmt.Fprintln(w, "Nothing to learn: the flow has all of this.")
		return err
	}
	gain, err := evaluate.Compare(ctx, old, added)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%d new among %d examples. Understood by a model that has not seen them, before and after:\nearlier examples  %.3f  %.3f\nnew examples      %.3f  %.3f\n",
		len(added), len(old)+len(added), gain.Before, gain.After, gain.NewBefore, gain.NewAfter)
	return err
}

// replaceFile writes a file whole or not at all.
func replaceFile(file string, before, after []byte) error {
	if bytes.Equal(before, after) {
		return nil
	}
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	temp := file + ".new"
	if err := os.WriteFile(temp, after, info.Mode().Perm()); err != nil {
		return err
	}
	return os.Rename(temp, file)
}

// done takes what was learnt off the list of misses. What is not there any more is
// no mistake.
func (l *learning) done(ctx context.Context, lessons []lesson) error {
	if !l.forget || l.dry {
		return nil
	}
	for _, one := range lessons {
		if one.miss == "" {
			continue
		}
		if err := l.client.Do(ctx, http.MethodDelete, "/v1/misses/"+url.PathEscape(one.miss), nil, nil); err != nil && !gone(err) {
			return fmt.Errorf("the flow is taught, but the list of misses is not up to date: %w", err)
		}
	}
	return nil
}

func gone(err error) bool {
	refused, ok := errors.AsType[*problem.Problem](err)
	return ok && refused.Status == http.StatusNotFound
}
