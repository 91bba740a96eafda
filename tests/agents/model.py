#!/usr/bin/env python3
"""A model server on loopback for the real agents: Anthropic Messages, OpenAI Responses and chat completions, Gemini.

usage: model.py LOG COMMAND     (prints its port)

Prompts carry words like `U:first`. Each request is a line of LOG: which API, and those words of all user messages in it,
in order: that is what shows whether a conversation was really gone on with. A word of the last one says what is answered:
SLOW (a word a second), FAIL401, RUN (a shell tool call with the content of the file COMMAND, then an answer); otherwise
the words that were heard.
"""
import itertools
import json
import re
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

WORD = re.compile(r"U:(\w+)")
NUMBER = itertools.count(1)
LOCK = threading.Lock()
LOG, COMMAND = sys.argv[1], sys.argv[2]


def texts(content):
    if isinstance(content, str):
        return [content]
    parts = [part if isinstance(part, str) else part.get("text") for part in content or []]
    return [part for part in parts if isinstance(part, str)]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def body(self):
        if "chunked" in (self.headers.get("transfer-encoding") or ""):
            whole = b""
            while size := int(self.rfile.readline().strip() or b"0", 16):
                whole += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            whole = self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.headers.get("content-encoding") == "gzip":
            import gzip

            whole = gzip.decompress(whole)
        try:
            return json.loads(whole or b"{}")
        except ValueError:
            return {}

    def reply(self, value, status=200):
        whole = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(whole)))
        self.end_headers()
        self.wfile.write(whole)

    def stream(self):
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        self.close_connection = True

    def event(self, value, name=None):
        text = value if isinstance(value, str) else json.dumps(value)
        self.wfile.write((f"event: {name}\n" if name else "").encode() + f"data: {text}\n\n".encode())
        self.wfile.flush()

    def do_HEAD(self):
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def do_GET(self):
        self.reply({"object": "list", "data": [{"id": "stub-model", "object": "model"}], "models": []})

    def do_POST(self):
        value, path = self.body(), self.path.split("?")[0]
        try:
            if path.endswith(("/count_tokens", ":countTokens")):
                self.reply({"input_tokens": 10, "totalTokens": 10})
            elif path.endswith("/messages"):
                self.anthropic(value)
            elif path.endswith("/responses"):
                self.openai(value)
            elif path.endswith("/chat/completions"):
                self.chat(value)
            elif "enerateContent" in path:
                self.gemini(value, path)
            else:
                self.reply({}, 404)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def heard(self, api, messages, tools):
        """`messages`: (is a user's, texts, has a tool's result). Gives what is to be done, and the answer."""
        words, last, asked = [], "", -1
        for at, (user, parts, _) in enumerate(messages):
            for part in parts if user else []:
                found = WORD.findall(part)
                if found:
                    words += found
                    last, asked = part, at
        with LOCK, open(LOG, "a") as log:
            log.write(json.dumps({"api": api, "words": words, "tools": len(tools)}) + "\n")
        mode = next((mode for mode in ("SLOW", "FAIL401", "RUN") if mode in last), "")
        if mode == "RUN" and (not tools or any(result for _, _, result in messages[asked + 1:])):
            mode = ""
        return mode, "heard " + ",".join(words)

    def pieces(self, mode, text):
        if mode == "SLOW":
            for at in range(120):
                yield f"tick{at} "
                time.sleep(1)
        else:
            yield text

    def to_run(self):
        return open(COMMAND).read()

    def anthropic(self, value):
        messages = []
        for one in value.get("messages", []):
            content = one.get("content")
            result = isinstance(content, list) and any(isinstance(p, dict) and p.get("type") == "tool_result" for p in content)
            messages.append((one.get("role") == "user", texts(content), result))
        tools = value.get("tools") or []
        mode, text = self.heard("anthropic", messages, tools)
        if mode == "FAIL401":
            return self.reply({"type": "error", "error": {"type": "authentication_error", "message": "stub"}}, 401)
        base = {"id": f"msg_{next(NUMBER)}", "type": "message", "role": "assistant", "model": value.get("model"),
                "content": [], "stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": 10, "output_tokens": 1}}
        if not value.get("stream"):
            base.update(content=[{"type": "text", "text": text}], stop_reason="end_turn")
            return self.reply(base)
        self.stream()
        say = lambda kind, **more: self.event({"type": kind, **more}, kind)
        say("message_start", message=base)
        if mode == "RUN":
            say("content_block_start", index=0, content_block={"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {}})
            partial = json.dumps({"command": self.to_run(), "description": "work"})
            say("content_block_delta", index=0, delta={"type": "input_json_delta", "partial_json": partial})
        else:
            say("content_block_start", index=0, content_block={"type": "text", "text": ""})
            for piece in self.pieces(mode, text):
                say("content_block_delta", index=0, delta={"type": "text_delta", "text": piece})
        say("content_block_stop", index=0)
        stop = "tool_use" if mode == "RUN" else "end_turn"
        say("message_delta", delta={"stop_reason": stop, "stop_sequence": None}, usage={"output_tokens": 5})
        say("message_stop")

    def openai(self, value):
        given = value.get("input")
        given = [{"role": "user", "content": given}] if isinstance(given, str) else given or []
        messages = [(one.get("role") == "user", texts(one.get("content")), one.get("type", "").endswith("_output")) for one in given]
        mode, text = self.heard("responses", messages, value.get("tools") or [])
        if mode == "FAIL401":
            return self.reply({"error": {"message": "stub", "type": "x"}}, 401)
        number = next(NUMBER)
        response = {"id": f"resp_{number}", "object": "response", "status": "in_progress", "model": value.get("model"), "output": []}
        self.stream()
        order = itertools.count()
        say = lambda kind, **more: self.event({"type": kind, "sequence_number": next(order), **more}, kind)
        say("response.created", response=response)
        item = {"type": "message", "id": f"msg_{number}", "role": "assistant", "status": "in_progress", "content": []}
        say("response.output_item.added", output_index=0, item=item)
        say("response.content_part.added", item_id=item["id"], output_index=0, content_index=0,
            part={"type": "output_text", "text": "", "annotations": []})
        whole = ""
        for piece in self.pieces(mode, text):
            whole += piece
            say("response.output_text.delta", item_id=item["id"], output_index=0, content_index=0, delta=piece)
        item = {**item, "status": "completed", "content": [{"type": "output_text", "text": whole, "annotations": []}]}
        say("response.output_item.done", output_index=0, item=item)
        usage = {"input_tokens": 10, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 5,
                 "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 15}
        say("response.completed", response={**response, "status": "completed", "output": [item], "usage": usage})

    def chat(self, value):
        messages = [(one.get("role") == "user", texts(one.get("content")), one.get("role") == "tool") for one in value.get("messages", [])]
        mode, text = self.heard("chat", messages, value.get("tools") or [])
        if mode == "FAIL401":
            return self.reply({"error": {"message": "stub", "type": "x"}}, 401)
        number = next(NUMBER)
        base = {"id": f"chatcmpl-{number}", "object": "chat.completion.chunk", "created": int(time.time()), "model": value.get("model")}
        usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
        if not value.get("stream"):
            choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
            return self.reply({**base, "object": "chat.completion", "choices": [choice], "usage": usage})
        self.stream()
        say = lambda delta, end=None: self.event({**base, "choices": [{"index": 0, "delta": delta, "finish_reason": end}]})
        if mode == "RUN":
            call = {"name": "bash", "arguments": json.dumps({"command": self.to_run(), "description": "work"})}
            say({"role": "assistant", "content": None, "tool_calls": [{"index": 0, "id": f"call_{number}", "type": "function", "function": call}]})
            say({}, "tool_calls")
        else:
            say({"role": "assistant", "content": ""})
            for piece in self.pieces(mode, text):
                say({"content": piece})
            say({}, "stop")
        self.event({**base, "choices": [], "usage": usage})
        self.event("[DONE]")

    def gemini(self, value, path):
        messages = []
        for one in value.get("contents", []):
            parts = one.get("parts", [])
            messages.append((one.get("role", "user") == "user", texts(parts), any("functionResponse" in part for part in parts)))
        tools = [f for tool in value.get("tools") or [] for f in tool.get("functionDeclarations", [])]
        mode, text = self.heard("gemini", messages, tools)
        if mode == "FAIL401":
            return self.reply({"error": {"code": 401, "message": "stub", "status": "UNAUTHENTICATED"}}, 401)
        usage = {"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 15}

        def answer(parts, end=None):
            candidate = {"content": {"role": "model", "parts": parts}, "index": 0}
            return {"candidates": [{**candidate, **({"finishReason": end} if end else {})}], "usageMetadata": usage, "modelVersion": "stub"}

        if ":stream" not in path:
            config = value.get("generationConfig", {})
            if config.get("responseMimeType") == "application/json" or config.get("responseJsonSchema"):
                text = json.dumps({"reasoning": "stub", "model_choice": "flash", "complexity_score": 1,
                                   "complexity_reasoning": "s", "next_speaker": "user"})
            return self.reply(answer([{"text": text}], "STOP"))
        self.stream()
        for piece in self.pieces(mode, text):
            self.event(answer([{"text": piece}]))
        self.event(answer([{"text": ""}], "STOP"))


if __name__ == "__main__":
    ThreadingHTTPServer.daemon_threads = True
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()
