#!/bin/sh
# A stand-in for an agent's command line, as strict as the real ones are lenient. It is called by the name of the agent
# that it plays; $FAKE is its folder: what it was called with is in `argv`, what it was told in `prompts`, its
# conversations in `conversations/<id>` (the folder, then a line for each prompt). Words in the prompt's last line make
# it misbehave; `$FAKE/script` is what it does in its folder, where there is one.
set -u
me=$(basename "$0")
if [ "$*" = --version ]; then
  : >"$FAKE/asked"
  cat "$FAKE/$me.version" 2>/dev/null || echo "$me 99.0.0"
  exit 0
fi
mkdir -p "$FAKE/conversations"
printf '%s|%s|%s %s\n' "$PWD" "$(pwd -P)" "$me" "$*" >>"$FAKE/argv"
wrong() { printf '%s: wrong arguments: %s\n' "$me" "$*" >&2; exit 64; }

new='' from='' fork='' dir=''
case $me in
claude)
  [ "$1 $2 $3 $4" = "-p --output-format stream-json --verbose" ] || wrong "$@"
  shift 4
  while [ $# -gt 0 ]; do
    case $1 in
    --model=*) ;;
    --continue) from=latest ;;
    --resume=*) from=${1#--resume=} ;;
    --fork-session) fork=1 ;;
    --session-id) new=$2; shift ;;
    --more) ;;
    *) wrong "$@" ;;
    esac
    shift
  done
  ;;
codex)
  [ "$1 $2 $3 $4" = "exec --json --skip-git-repo-check -C" ] || wrong "$@"
  dir=$5
  shift 5
  while [ $# -gt 1 ]; do
    case $1 in
    --model=* | --more) ;;
    resume) [ "$2" = --last ] && from=latest || from=$2; shift ;;
    fork) from=$2 fork=1; shift ;;
    *) wrong "$@" ;;
    esac
    shift
  done
  [ "$1" = - ] || wrong "$@"
  ;;
opencode)
  [ "$1 $2 $3" = "run --format json" ] || [ "$*" = "session list --format json" ] || wrong "$@"
  if [ "$1" = session ]; then
    printf '['
    comma=''
    for file in "$FAKE"/conversations/ses_*; do
      [ -f "$file" ] || continue
      printf '%s{"id":"%s","title":"%s","directory":"%s"}' "$comma" "$(basename "$file")" \
        "$(cat "$FAKE/title" 2>/dev/null)" "$(head -n 1 "$file")"
      comma=,
    done
    echo ']'
    exit 0
  fi
  [ "$4" = --dir ] || wrong "$@"
  dir=$5
  shift 5
  while [ $# -gt 0 ]; do
    case $1 in
    --model=* | --more) ;;
    --title) printf '%s' "$2" >"$FAKE/title"; shift ;;
    --continue) from=latest ;;
    --session) from=$2; shift ;;
    --fork) fork=1 ;;
    *) wrong "$@" ;;
    esac
    shift
  done
  ;;
pi)
  [ "$1 $2 $3" = "-p --mode json" ] || wrong "$@"
  shift 3
  while [ $# -gt 0 ]; do
    case $1 in
    --model) shift ;;
    --more) ;;
    --continue) from=latest ;;
    --session) from=$2; shift ;;
    --fork) from=$2 fork=1; shift ;;
    --session-id) new=$2; shift ;;
    *) wrong "$@" ;;
    esac
    shift
  done
  ;;
gemini)
  [ "$1 $2 $3" = "-o stream-json -y" ] || wrong "$@"
  shift 3
  while [ $# -gt 0 ]; do
    case $1 in
    --model=* | --more) ;;
    --resume) [ "$2" = latest ] && from=latest || from=$2; shift ;;
    --session-id) new=$2; shift ;;
    *) wrong "$@" ;;
    esac
    shift
  done
  ;;
*) wrong "$me" ;;
esac
[ -z "$dir" ] || [ "$dir" = "$(pwd -P)" ] || wrong "the folder $dir"

# All of standard input: whoever leaves it open hangs here.
prompt=$(cat)
last=$(printf '%s\n' "$prompt" | tail -n 1)
printf '%s\n----\n' "$prompt" >>"$FAKE/prompts"

random() { od -An -N16 -tx1 /dev/urandom | tr -d ' \n' | sed 's/\(........\)\(....\)\(....\)\(....\)\(.*\)/\1-\2-\3-\4-\5/'; }
fresh_id() {
  case $me in
  opencode) echo "ses_$(random | tr -d -)" ;;
  *) random ;;
  esac
}
stderr_says() { printf '\033[91m\033[1mError: \033[0m%s\n' "$1" >&2; }

[ "$from" != latest ] || from=$(ls -t "$FAKE/conversations" 2>/dev/null | head -n 1)
if [ -n "$from" ] && ! [ -f "$FAKE/conversations/$from" ]; then
  # As the real ones do: one of them says the id that it was asked for.
  [ "$me" != claude ] || printf '{"is_error":true,"subtype":"error_during_execution","session_id":"%s","type":"result"}\n' "$from"
  stderr_says "no conversation $from"
  exit 1
fi
id=$from
if [ -z "$from" ] || [ -n "$fork" ]; then
  id=${new:-$(fresh_id)}
  [ -z "$fork" ] || cp "$FAKE/conversations/$from" "$FAKE/conversations/$id"
fi
case $last in *OTHERID*) id=$(fresh_id) ;; esac
[ -f "$FAKE/conversations/$id" ] || pwd -P >"$FAKE/conversations/$id"
printf '%s\n' "$last" >>"$FAKE/conversations/$id"
users=$(($(wc -l <"$FAKE/conversations/$id") - 1))

init() {
  case $me in
  claude) printf '{"type":"system","subtype":"init","session_id":"%s"}\n' "$id" ;;
  codex) printf '{"type":"thread.started","thread_id":"%s"}\n' "$id" ;;
  opencode) printf '{"type":"step_start","sessionID":"%s"}\n' "$id" ;;
  pi) printf '{"type":"session","id":"%s"}\n' "$id" ;;
  gemini) printf '{"type":"init","session_id":"%s"}\n' "$id" ;;
  esac
}
say() {
  case $me in
  claude) printf '{"type":"assistant","message":{"content":[{"type":"text","text":"%s"}]}}\n' "$1" ;;
  codex) printf '{"type":"item.completed","item":{"type":"agent_message","text":"%s"}}\n' "$1" ;;
  opencode) printf '{"type":"text","part":{"text":"%s"}}\n' "$1" ;;
  pi) printf '{"type":"message_end","message":{"role":"assistant","stopReason":"stop","content":[{"type":"text","text":"%s"}]}}\n{"type":"turn_end"}\n' "$1" ;;
  gemini) printf '{"type":"message","role":"assistant","content":"%s","delta":true}\n' "$1" ;;
  esac
}
succeed() {
  case $me in
  claude) printf '{"is_error":false,"num_turns":1,"subtype":"success","session_id":"%s","type":"result"}\n' "$id" ;;
  codex) echo '{"type":"turn.completed"}' ;;
  opencode) echo '{"type":"step_finish","part":{"reason":"stop"}}' ;;
  pi) echo '{"type":"agent_end"}' ;;
  gemini) echo '{"type":"result","status":"success"}' ;;
  esac
}
fail() {
  case $me in
  claude) echo '{"is_error":true,"subtype":"success","result":"no login","type":"result"}' ;;
  codex) echo '{"type":"turn.failed","error":{"message":"no login"}}' ;;
  opencode) echo '{"type":"error","error":{"data":{"message":"no login"}}}' ;;
  pi) printf '{"type":"message_end","message":{"role":"assistant","stopReason":"error","errorMessage":"no login"}}\n{"type":"agent_end"}\n' ;;
  gemini) echo '{"type":"result","status":"error","error":{"message":"no login"}}' ;;
  esac
}
# Whole or not at all: whoever reads it may come at any moment.
noted() { echo "$2" >"$FAKE/$1.new" && mv "$FAKE/$1.new" "$FAKE/$1"; }
noted pid $$

case $last in
*SILENT*) sleep 1000; exit 0 ;;
*NOTHING*) exit 0 ;;
*NOID*) say hello; succeed; exit 0 ;;
esac
init
case $last in
*OTHERID*) sleep 1000 ;;
*MALFORMED*) printf 'warming up\n{"type":"unknown"}\n[1,2]\n{"cut":\n\033[31mred\033[0m\n' ;;
*FLOOD*) yes '{"type":"noise","text":"0123456789012345678901234567890123456789012345678901234567890123456789"}' | head -c 10485760; echo ;;
*STUBBORN*) trap '' TERM INT HUP; while :; do sleep 1; done ;;
*DAEMON*)
  setsid sh -c 'echo $$ >"$FAKE/tool.new"; mv "$FAKE/tool.new" "$FAKE/tool"; exec sleep 1000' &
  # It forgets who started it, and where.
  setsid env -i FAKE="$FAKE" PATH="$PATH" sh -c \
    'sh -c "echo \$\$ >\"\$FAKE/orphan.new\"; mv \"\$FAKE/orphan.new\" \"\$FAKE/orphan\"; exec sleep 1000" & sleep 0.2' &
  sleep 1000
  ;;
*CUTOFF*) kill -9 $$ ;;
*FAILZERO*) fail; exit 0 ;;
*LEAK*) stderr_says "bad key ghp_$(printf '9a8b7c6d5e4f3g2h1iQWERTYUI%s' zPxOcIvUbY)"; exit 1 ;;
*FAILLOUD*) fail; stderr_says 'no login'; exit 1 ;;
*NOEND*) say half; exit 0 ;;
esac
if [ -f "$FAKE/script" ] && ! sh "$FAKE/script" >"$FAKE/script.out" 2>&1; then
  fail
  exit 1
fi
say "users=$users"
succeed
