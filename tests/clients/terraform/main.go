// Reads a configuration in the JSON syntax of Terraform with the parser of Terraform, and prints the resources with
// their expressions worked out. References go to other resources of the file; one that leads nowhere is an error.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/hashicorp/hcl/v2"
	hcljson "github.com/hashicorp/hcl/v2/json"
	"github.com/hashicorp/terraform-config-inspect/tfconfig"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

// What a configuration may have at its top, and with which labels.
var top = &hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{
	{Type: "terraform"},
	{Type: "resource", LabelNames: []string{"type", "name"}},
	{Type: "output", LabelNames: []string{"name"}},
}}

func main() {
	file := os.Args[1]
	if _, diagnostics := tfconfig.LoadModule(filepath.Dir(file)); diagnostics.HasErrors() {
		fail(diagnostics.Err())
	}
	text, err := os.ReadFile(file)
	if err != nil {
		fail(err)
	}
	parsed, diagnostics := hcljson.Parse(text, file)
	check(diagnostics)
	content, diagnostics := parsed.Body.Content(top)
	check(diagnostics)
	known := map[string]map[string]cty.Value{}
	blocks := map[string]map[string]hcl.Attributes{}
	outputs := map[string]hcl.Attributes{}
	for _, block := range content.Blocks {
		if block.Type == "terraform" {
			continue
		}
		attributes, diagnostics := block.Body.JustAttributes()
		check(diagnostics)
		if block.Type == "output" {
			outputs[block.Labels[0]] = attributes
			continue
		}
		kind, name := block.Labels[0], block.Labels[1]
		if known[kind] == nil {
			known[kind], blocks[kind] = map[string]cty.Value{}, map[string]hcl.Attributes{}
		}
		blocks[kind][name] = attributes
		// What others may refer to: what is said without references, and what AWS answers.
		object := map[string]cty.Value{"arn": cty.StringVal("arn of " + name)}
		for key, attribute := range attributes {
			if len(attribute.Expr.Variables()) == 0 {
				value, diagnostics := attribute.Expr.Value(&hcl.EvalContext{})
				check(diagnostics)
				object[key] = value
			}
		}
		known[kind][name] = cty.ObjectVal(object)
	}
	context := &hcl.EvalContext{Variables: map[string]cty.Value{}}
	for kind, objects := range known {
		context.Variables[kind] = cty.ObjectVal(objects)
	}
	found := map[string]any{"output": worked(outputs, context)}
	for kind, resources := range blocks {
		found[kind] = worked(resources, context)
	}
	if err := json.NewEncoder(os.Stdout).Encode(found); err != nil {
		fail(err)
	}
}

// Works the expressions of some blocks out.
func worked(blocks map[string]hcl.Attributes, context *hcl.EvalContext) map[string]map[string]json.RawMessage {
	all := map[string]map[string]json.RawMessage{}
	for name, attributes := range blocks {
		all[name] = map[string]json.RawMessage{}
		for key, attribute := range attributes {
			value, diagnostics := attribute.Expr.Value(context)
			check(diagnostics)
			text, err := ctyjson.Marshal(value, value.Type())
			if err != nil {
				fail(err)
			}
			all[name][key] = text
		}
	}
	return all
}

func check(diagnostics hcl.Diagnostics) {
	if diagnostics.HasErrors() {
		fail(diagnostics)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
