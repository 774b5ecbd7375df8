# Answers a request line as a web server behind a proxy would: status, type, blank line, body.

http_answer() {
    request_path=${1#GET }
    case $request_path in
    /) http_page 200 "$(store_list)" ;;
    /artifacts/*)
        if [ -n "${SESSION:-}" ] && [ -f "$(store_file "${request_path#/artifacts/}")" ]; then
            http_page 200 "$(store_text "${request_path#/artifacts/}")"
        else
            http_page 403 "Sign in first."
        fi
        ;;
    *) http_page 404 "There is nothing at $request_path." ;;
    esac
}

http_page() {
    printf 'Status: %s\nContent-Type: text/plain\n\n%s\n' "$1" "$2"
}
