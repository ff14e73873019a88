"""The reference libraries behind a pipe: one JSON object a line in, one out."""
import json
import sys
import time

loaded = {}


def load(kind, path):
    if path not in loaded:
        if kind == "sentencepiece":
            import sentencepiece
            loaded[path] = sentencepiece.SentencePieceProcessor(model_file=path)
        else:
            import tokenizers
            loaded[path] = tokenizers.Tokenizer.from_file(path)
    return loaded[path]


def encode(kind, t, text):
    return t.encode(text) if kind == "sentencepiece" else t.encode(text, add_special_tokens=False).ids


def decode(kind, t, ids):
    return t.decode(ids) if kind == "sentencepiece" else t.decode(ids, skip_special_tokens=False)


def raise_exception(message):
    raise ValueError(message)


def chat(r):
    """Renders conversations as the reference renders chat templates."""
    import jinja2.ext
    import jinja2.sandbox
    with open(r["path"], encoding="utf-8") as f:
        config = json.load(f)
    env = jinja2.sandbox.ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[jinja2.ext.loopcontrols])
    env.filters["tojson"] = lambda x, ensure_ascii=False, indent=None, separators=None, sort_keys=False: json.dumps(
        x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)
    env.globals["raise_exception"] = raise_exception
    template = env.from_string(config["chat_template"])
    tokens = {}
    for key, value in config.items():
        value = value.get("content") if isinstance(value, dict) else value
        if key.endswith("_token") and isinstance(value, str):
            tokens[key] = value
    out = []
    for messages in r["texts"]:
        for prompt in (False, True):
            try:
                out.append(template.render(messages=json.loads(messages), tools=None, documents=None, add_generation_prompt=prompt, **tokens))
            except Exception:
                out.append("\0failed")
    return out


def answer(r):
    kind, path = r.get("kind", "tokenizers"), r.get("path")
    if r["op"] == "hello":
        import sentencepiece
        import tokenizers
        return {"version": tokenizers.__version__ + ", " + sentencepiece.__version__}
    if r["op"] == "train":
        import sentencepiece
        sentencepiece.set_min_log_level(2)
        sentencepiece.SentencePieceTrainer.train(input=r["input"], model_prefix=r["path"], **r["options"])
        return {}
    if r["op"] == "chat":
        return {"texts": chat(r)}
    t = load(kind, path)
    if r["op"] == "encode":
        ids = [encode(kind, t, text) for text in r["texts"]]
        return {"ids": ids, "texts": [decode(kind, t, i) for i in ids]}
    if r["op"] == "time":
        ids = [encode(kind, t, text) for text in r["texts"]]
        start = time.process_time()
        for _ in range(r["rounds"]):
            for text in r["texts"]:
                t.encode(text, add_special_tokens=False)
        middle = time.process_time()
        for _ in range(r["rounds"]):
            for i in ids:
                t.decode(i, skip_special_tokens=False)
        return {"encode": middle - start, "decode": time.process_time() - middle}
    raise ValueError(r["op"])


for line in sys.stdin:
    try:
        out = answer(json.loads(line))
    except Exception as e:  # the test says what it was
        out = {"error": f"{type(e).__name__}: {e}"}
    print(json.dumps(out), flush=True)
