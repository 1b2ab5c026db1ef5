"""What a chat template's source says about texts that no longer tell what is asked of them."""

from __future__ import annotations

from jinja2 import Environment, nodes


def asks_of_written_text(environment: Environment, source: str) -> bool:
    """Whether a template may look at text that it has already written.

    What a macro, a block that is assigned or a filtered block gives is plain text, and what is
    asked of it cannot be watched. Macros that are only written out are harmless.

    Args:
        environment: Knows the tags of the template.
        source: The template.
    """
    tree = environment.parse(source)
    if any(tree.find_all((nodes.AssignBlock, nodes.FilterBlock))):
        return True
    for block in tree.find_all(nodes.CallBlock):
        if not isinstance(block.call.node, nodes.ExtensionAttribute):  # a tag such as `generation`
            return True
    macros = {macro.name for macro in tree.find_all(nodes.Macro)}
    return bool(macros) and _uses(tree, macros, written=False)


def _uses(node: nodes.Node, macros: set[str], *, written: bool) -> bool:
    """Whether a macro is called below a node in a place that is not just written out."""
    if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name):
        if node.node.name in macros and not written:
            return True
    elif isinstance(node, nodes.Name) and node.name in macros and node.ctx == "load":
        return True  # under another name it could be called anywhere
    for name, value in node.iter_fields():
        goes_on = isinstance(node, nodes.Output) or (
            written
            and isinstance(node, nodes.Add | nodes.Concat | nodes.CondExpr)
            and name != "test"
        )
        called = isinstance(node, nodes.Call) and name == "node"
        children = value if isinstance(value, list) else [value]
        if not called and any(
            isinstance(child, nodes.Node) and _uses(child, macros, written=goes_on)
            for child in children
        ):
            return True
    return False
