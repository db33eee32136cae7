package docs

import "fmt"

// Check compares the documents of the module at root with the table, and says what does not
// fit: a new command in a document needs a row that says where it is run, and a row without
// a document has to go.
func Check(root string) (faults []string, err error) {
	commands, err := Commands(root)
	if err != nil {
		return nil, err
	}
	rows, err := Plan()
	if err != nil {
		return nil, err
	}
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	if len(commands) < 50 {
		fault("only %d commands found in the documents", len(commands))
	}
	known, shown := map[string]bool{}, map[string]bool{}
	for _, r := range rows {
		if known[r.Text] {
			fault("commands.txt has two rows: %s", r.Text)
		}
		if (r.Place == Elsewhere) != (r.Because != "") {
			fault("commands.txt: %s: a reason is for what is run elsewhere, and for nothing else", r.Text)
		}
		known[r.Text] = true
	}
	for _, c := range commands {
		if !known[c.Text] && !shown[c.Text] {
			fault("%v: give it a row in systemd/docs/commands.txt: where is it run, what does it print?", c)
		}
		shown[c.Text] = true
	}
	for _, r := range rows {
		if !shown[r.Text] {
			fault("commands.txt has what no document shows: %s", r.Text)
		}
	}
	return faults, nil
}
