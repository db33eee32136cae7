package main

import (
	"reflect"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/edge-agent/agent/agent/config"
)

// The shell asks the program itself what may follow, by the hidden command
// __complete of cobra: what it is told cannot be out of date.

type completion = func(c *cobra.Command, given []string, begun string) ([]string, cobra.ShellCompDirective)

// completeFlag says what may follow a flag: where a file is meant, the shell
// knows best.
func completeFlag(c *cobra.Command, f reflect.StructField, name string) {
	var follow completion
	switch word := f.Tag.Get("placeholder"); {
	case f.Tag.Get("enum") != "":
		follow = cobra.FixedCompletions(strings.Split(f.Tag.Get("enum"), ","), cobra.ShellCompDirectiveNoFileComp)
	case word == "FILE":
		return
	case word == "DIR":
		follow = cobra.FixedCompletions(nil, cobra.ShellCompDirectiveFilterDirs)
	case name == "camera":
		follow = cameraNames
	case name == "output":
		follow = outputNames
	default:
		follow = cobra.NoFileCompletions
	}
	if err := c.RegisterFlagCompletionFunc(name, follow); err != nil {
		panic(err)
	}
}

// complete says what may follow as an argument.
func (a arguments) complete(c *cobra.Command, given []string, begun string) ([]string, cobra.ShellCompDirective) {
	i := min(len(given), len(a)-1)
	switch {
	case i < 0 || len(given) > i && a[i].rest == nil:
		return nil, cobra.ShellCompDirectiveNoFileComp
	case a[i].name == "INPUT":
		return nil, cobra.ShellCompDirectiveDefault
	case a[i].name == "CAMERA":
		return cameraNames(c, given, begun)
	}
	return cobra.NoFileCompletions(c, given, begun)
}

// cameraNames are those of the config that the command is to read, or would.
func cameraNames(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	var names []string
	for _, camera := range configured(c) {
		names = append(names, camera.Name)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// outputNames are those of the camera that is named, or of all.
func outputNames(c *cobra.Command, given []string, _ string) ([]string, cobra.ShellCompDirective) {
	wanted := ""
	if flag := c.Flags().Lookup("camera"); flag != nil {
		wanted = flag.Value.String()
	} else if len(given) > 0 {
		wanted = given[0]
	}
	var names []string
	for _, camera := range configured(c) {
		for _, output := range camera.Outputs {
			if wanted == "" || wanted == camera.Name {
				names = append(names, output.Spec.Name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names), cobra.ShellCompDirectiveNoFileComp
}

func configured(c *cobra.Command) []config.Camera {
	file := defaultConfig
	if flag := c.Flags().Lookup("config"); flag != nil && flag.Value.String() != "" {
		file = flag.Value.String()
	}
	cfg, err := config.Load(file)
	if err != nil {
		return nil
	}
	return cfg.Cameras
}
