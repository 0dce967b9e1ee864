"""Programs of very many stacks."""

#: Five functions of the namespace `space`, f0 to f4, each of which calls all five, so deep as it is told, and has the
#: innermost keep a block in `keep`.
STACKS = """
keep, space = [], {}
text = "def f(n):\\n if n == 0: return keep.append(bytes(100 + len(keep) % 977))\\n"
text += "".join(f" f{i}(n - 1)\\n" for i in range(5))
space["keep"] = keep
for i in range(5): exec(compile(text.replace("def f(", f"def f{i}("), f"gen{i}.py", "exec"), space)
"""
