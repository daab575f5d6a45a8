package openapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/url"
	"path"
	"slices"
	"strings"
)

// What bundling may take: files, bytes of all of them, values of the bundle, and
// how deep they are nested.
const (
	mostFiles   = 500
	mostBytes   = 64 << 20
	mostValues  = 4_000_000
	deepestTree = 500
)

// bundled is where the bundle holds what has no place of its own in components.
const bundled = "x-bundled"

// Bundle makes one document of a file of a folder and the files that it refers to,
// directly or not. What another file describes is put into the document's
// components and the references name it there, so that files may refer to each
// other in circles. Only files of the folder are read; pass os.Root.FS for a folder
// of the disk, so that no link leads out of it. A reference that is not followed
// names no place in the document afterwards, and left tells why. A document that
// refers to no other file is given as it is. It fails for what cannot be read and
// for what is too large.
func Bundle(folder fs.FS, name string) (raw []byte, left []Note, err error) {
	b := &bundler{folder: folder, main: path.Clean(name), files: map[string]file{}, place: map[string]string{},
		added: map[string]object{}, left: map[string]string{}}
	main := b.read(b.main)
	if main.err != nil && main.raw == nil {
		return nil, nil, main.err
	}
	if main.tree["openapi"] == nil { // the importer tells what is wrong with it
		return main.raw, nil, nil
	}
	root, _ := b.copied(b.main, main.tree, false, 0).(object)
	for len(b.open) > 0 && b.err == nil { // what was placed may refer on
		p := b.open[0]
		b.open = b.open[1:]
		b.added[p.section][p.name] = b.copied(p.file, p.value, false, 0)
	}
	if b.err != nil {
		return nil, nil, b.err
	}
	for _, ref := range slices.Sorted(maps.Keys(b.left)) {
		left = append(left, Note{ref, b.left[ref]})
	}
	if len(b.place) == 0 && len(left) == 0 {
		return main.raw, nil, nil
	}
	b.addTo(root)
	raw, err = json.Marshal(root)
	return raw, left, err
}

type bundler struct {
	folder fs.FS
	main   string // the document's file
	files  map[string]file
	bytes  int64
	values int
	// place tells where the bundle has what a file has ("b.json#/components/schemas/X").
	place map[string]string
	// added is what was placed: by section of the components, or under "" what is
	// no component.
	added map[string]object
	open  []placed
	left  map[string]string
	err   error
}

// file is one that was read, or why it could not be.
type file struct {
	raw  []byte
	tree object
	err  error
}

// placed is a value of a file whose references are still to be followed.
type placed struct {
	file, section, name string
	value               any
}

func (b *bundler) fail(err error) {
	if b.err == nil {
		b.err = err
	}
}

// read reads a file, once.
func (b *bundler) read(name string) file {
	f, ok := b.files[name]
	if ok {
		return f
	}
	if len(b.files) == mostFiles {
		b.fail(fmt.Errorf("the document refers to more than %d files", mostFiles))
	}
	if b.err != nil {
		return file{err: b.err}
	}
	if f.raw, f.err = b.content(name); f.err == nil {
		f.tree, f.err = decode(f.raw)
	}
	b.files[name] = f
	return f
}

func (b *bundler) content(name string) ([]byte, error) {
	f, err := b.folder.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(err, fmt.Errorf("%s is no file", name))
	}
	raw, err := io.ReadAll(io.LimitReader(f, mostBytes-b.bytes+1))
	if b.bytes += int64(len(raw)); b.bytes > mostBytes {
		b.fail(fmt.Errorf("the document and the files that it refers to are larger than %d MiB", mostBytes>>20))
		return nil, b.err
	}
	return raw, err
}

// names are keywords whose value has names for keys, literal those whose value is
// no part of the description. They are keywords only where keys are no names.
var (
	names = []string{"properties", "patternProperties", "dependentSchemas", "$defs", "definitions", "schemas", "responses", "parameters",
		"examples", "requestBodies", "headers", "securitySchemes", "links", "callbacks", "pathItems", "paths", "content", "encoding", "variables"}
	literal = []string{"example", "default", "enum", "const", "value"}
)

// copied is a value of a file as the bundle has it.
func (b *bundler) copied(from string, v any, keysAreNames bool, depth int) any {
	if b.values++; b.values > mostValues || depth > deepestTree {
		b.fail(errors.New("the document is too large or too deeply nested"))
	}
	if b.err != nil {
		return nil
	}
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = b.copied(from, item, false, depth+1)
		}
		return out
	case object:
		out := make(object, len(v))
		for _, k := range slices.Sorted(maps.Keys(v)) {
			ref, isText := v[k].(string)
			switch {
			case keysAreNames:
				out[k] = b.copied(from, v[k], false, depth+1)
			case k == "$ref" && isText:
				out[k] = b.reference(from, ref)
			case k == "discriminator":
				out[k] = b.discriminator(from, v[k])
			case slices.Contains(literal, k):
				out[k] = v[k]
			default:
				out[k] = b.copied(from, v[k], slices.Contains(names, k), depth+1)
			}
		}
		return out
	}
	return v
}

// discriminator has a mapping to references or to names of schemas (OpenAPI 3.1,
// Discriminator Object).
func (b *bundler) discriminator(from string, v any) any {
	d, ok := v.(object)
	if !ok || d["mapping"] == nil {
		return v
	}
	mapping := maps.Clone(sub(d, "mapping"))
	for _, k := range slices.Sorted(maps.Keys(mapping)) {
		switch s, _ := mapping[k].(string); {
		case strings.ContainsAny(s, "#/"):
			mapping[k] = b.reference(from, s)
		case s != "" && from != b.main:
			mapping[k] = b.reference(from, "#/components/schemas/"+s)
		}
	}
	out := maps.Clone(d)
	out["mapping"] = mapping
	return out
}

// reference is one of a file as the bundle has it.
func (b *bundler) reference(from, ref string) string {
	address, pointer, _ := strings.Cut(ref, "#")
	to, err := from, error(nil)
	if address != "" {
		to, err = within(from, address)
	}
	if err == nil && to == b.main {
		return "#" + pointer
	}
	if err == nil {
		var at string
		if at, err = b.placeOf(to, pointer); err == nil {
			return at
		}
	}
	if address == "" {
		ref = from + ref // in the bundle it would mean another place
	}
	b.left[ref] = "it is not followed: " + err.Error()
	return ref
}

// within is the name of the file of the folder that an address in another leads to.
func within(from, address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", errors.New("it is no address")
	}
	if u.Scheme != "" || u.Host != "" {
		return "", errors.New("only files beside the document are, nothing is fetched")
	}
	name := path.Join(path.Dir(from), u.Path)
	if path.IsAbs(u.Path) || !fs.ValidPath(name) {
		return "", errors.New("it leads out of the document's folder")
	}
	return name, nil
}

// placeOf is the reference in the bundle to what a pointer into another file names,
// which is placed if it is not yet: a component as a whole, else the value itself.
func (b *bundler) placeOf(name, pointer string) (string, error) {
	f := b.read(name)
	switch {
	case errors.Is(f.err, fs.ErrNotExist):
		return "", errors.New("there is no such file in the document's folder")
	case f.err != nil:
		return "", f.err
	}
	unit, section, rest := pointer, "", ""
	if parts := strings.Split(pointer, "/"); len(parts) >= 4 && parts[0] == "" && parts[1] == "components" {
		unit, section = strings.Join(parts[:4], "/"), parts[2]
		rest = strings.TrimPrefix(pointer, unit)
	}
	if at, ok := b.place[name+"#"+unit]; ok {
		return at + rest, nil
	}
	value := any(f.tree)
	if unit != "" {
		var err error
		if value, err = (&document{root: f.tree}).at("#" + unit); err != nil {
			return "", errors.New("the file has no such place")
		}
	}
	p := placed{file: name, section: section, value: value, name: b.free(section, name, unit)}
	if b.added[section] == nil {
		b.added[section] = object{}
	}
	b.added[section][p.name] = object{} // until its turn comes
	b.open = append(b.open, p)
	at := "#/" + bundled + "/" + p.name
	if section != "" {
		at = "#/components/" + section + "/" + p.name
	}
	b.place[name+"#"+unit] = at
	return at + rest, nil
}

// free is a name that no component of the document has and nothing that was added:
// the last of the pointer, or the file's.
func (b *bundler) free(section, name, unit string) string {
	last := unit[strings.LastIndex(unit, "/")+1:]
	if last == "" {
		last = strings.TrimSuffix(path.Base(name), path.Ext(name))
	}
	base := unsafe.ReplaceAllString(unslash.Replace(last), "_")
	taken := sub(b.files[b.main].tree, "components", section)
	if section == "" {
		taken = sub(b.files[b.main].tree, bundled)
	}
	free := base
	for i := 2; taken[free] != nil || b.added[section][free] != nil; i++ {
		free = fmt.Sprintf("%s_%d", base, i)
	}
	return free
}

// addTo lays what was placed beside what the document has.
func (b *bundler) addTo(root object) {
	components := sub(root, "components")
	for section, added := range b.added {
		parent, key := components, section
		if section == "" {
			parent, key = root, bundled
		}
		all := sub(parent, key)
		maps.Copy(all, added)
		parent[key] = all
	}
	if len(components) > 0 {
		root["components"] = components
	}
}
