package flowcmd

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"parley/cmd/parley/exit"
	"parley/workflows/flow"
	"parley/workflows/flow/translate"
)

// texting is one call of texts.
type texting struct {
	language, po, xliff, from string
	json                      bool
}

func textsCommand() *cobra.Command {
	t := &texting{}
	cmd := &cobra.Command{
		Use: "texts FILE --language TAG | --po TAG | --xliff TAG", Short: "Take a flow's texts to translators, and back",
		Long: `With --language, prints the texts of a flow that have no translation into a language,
as a catalogue to fill in: save it beside the flow as NAME.TAG.yaml, where check and
publish find it.

With --po or --xliff (1.2), prints all texts with their translations as a file for
translators. What has none takes over that of a text like it which the flow has no
more, marked as fuzzy (PO) or needs-review-translation (XLIFF).

With --language and --import FILE (.po, .xlf or .xliff), puts translations into
NAME.TAG.yaml, whose comments and other entries stay as they are. What is still fuzzy
is not taken, nor a translation whose {{ expressions }} are not those of its text.
Entries whose text the flow has no more become comments.

Exit code 0: done. 1: translations were refused, or it failed. 2: wrong usage.`,
		Args: exit.Args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error { return t.run(cmd.OutOrStdout(), args[0]) },
	}
	f := cmd.Flags()
	f.StringVar(&t.language, "language", "", "the language, a BCP 47 tag")
	f.StringVar(&t.po, "po", "", "language of a PO file that is printed")
	f.StringVar(&t.xliff, "xliff", "", "language of an XLIFF file that is printed")
	f.StringVar(&t.from, "import", "", "translators' file whose translations are taken")
	f.BoolVar(&t.json, "json", false, "print what became of an import as JSON")
	cmd.MarkFlagsMutuallyExclusive("language", "po", "xliff")
	return cmd
}

func (t *texting) run(w io.Writer, file string) error {
	language := t.language + t.po + t.xliff // one of them is given
	if t.language != "" && t.from == "" {
		return t.missing(w, file)
	}
	if t.from != "" && t.language == "" {
		return exit.Misused("--import needs --language: the language of the translations")
	}
	doc, err := alone(w, file)
	if err != nil {
		return err
	}
	if err := speaks(doc, language); err != nil {
		return err
	}
	beside := catalogueFile(file, language)
	text, err := os.ReadFile(beside)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	c, err := translate.ParseCatalogue(text)
	if err != nil {
		return fmt.Errorf("%s: %w", beside, err)
	}
	if t.from != "" {
		return t.take(w, doc, c, beside)
	}
	entries := translate.Entries(doc, language, c)
	if t.po != "" {
		_, err = w.Write(translate.PO(doc.Name(), language, entries))
		return err
	}
	out, err := translate.XLIFF(doc.Name(), doc.Languages()[0], language, entries)
	if err == nil {
		_, err = w.Write(out)
	}
	return err
}

// missing prints the texts without a translation as a catalogue.
func (t *texting) missing(w io.Writer, file string) error {
	doc, err := readable(w, file)
	if err != nil {
		return err
	}
	if err := speaks(doc, t.language); err != nil {
		return err
	}
	for _, text := range doc.Texts(t.language) {
		quoted, err := json.Marshal(text) // a JSON string is a YAML one
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "%s: %s\n", quoted, `""`); err != nil {
			return err
		}
	}
	return nil
}

func speaks(doc *flow.Document, language string) error {
	if all := doc.Languages(); len(all) == 0 || !slices.Contains(all[1:], language) {
		return exit.Misused("the language must be one that the flow names under \"languages\"")
	}
	return nil
}

func catalogueFile(file, language string) string {
	ext := filepath.Ext(file)
	return strings.TrimSuffix(file, ext) + "." + language + ext
}

// alone reads a document without the catalogues beside it, which may have texts
// that it has no more.
func alone(w io.Writer, file string) (*flow.Document, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, exit.Misused("%v", err)
	}
	doc, problems := flow.Parse(file, text)
	for _, p := range problems {
		if _, err := fmt.Fprintln(w, p); err != nil {
			return nil, err
		}
	}
	if len(problems) > 0 {
		return nil, exit.Failed()
	}
	return doc, nil
}

// take puts what comes back from translators into the catalogue.
func (t *texting) take(w io.Writer, doc *flow.Document, c translate.Catalogue, beside string) error {
	src, err := os.ReadFile(t.from)
	if err != nil {
		return exit.Misused("%v", err)
	}
	parse := translate.ParseXLIFF
	switch strings.ToLower(filepath.Ext(t.from)) {
	case ".po":
		parse = translate.ParsePO
	case ".xlf", ".xliff":
	default:
		return exit.Misused("--import must be a file that ends in .po, .xlf or .xliff")
	}
	entries, err := parse(src)
	if err != nil {
		return fmt.Errorf("%s: %w", t.from, err)
	}
	text, report := translate.Apply(doc, entries, c)
	if err := os.WriteFile(beside, text, 0o644); err != nil {
		return err
	}
	if t.json {
		err = printJSON(w, report)
	} else {
		_, err = fmt.Fprintf(w, "%s: %d taken, %d missing, %d fuzzy, %d gone\n", beside, report.Taken, report.Missing, report.Fuzzy, report.Gone)
		for _, r := range report.Refused {
			fmt.Fprintf(w, "refused: %q: %s\n", r.Source, r.Why)
		}
	}
	if err == nil && len(report.Refused) > 0 {
		err = exit.Failed()
	}
	return err
}
