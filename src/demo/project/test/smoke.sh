# The application starts, lists, shows, and keeps strangers out.
set -eu
fail() {
    echo "smoke: $*" >&2
    exit 1
}
[ "$(sh bin/artifacts list | wc -l)" -eq 2 ] || fail "list does not show both artifacts"
sh bin/artifacts show roadmap | grep -q 'Roadmap (draft)' || fail "show does not show the title"
sh bin/artifacts request 'GET /' | grep -q 'Status: 200' || fail "the front page does not answer"
sh bin/artifacts request 'GET /artifacts/roadmap' | grep -q 'Status: 403' || fail "a stranger sees an artifact"
SESSION=1 sh bin/artifacts request 'GET /artifacts/roadmap' | grep -q 'Status: 200' || fail "its owner does not"
sh bin/artifacts request 'GET /nowhere' | grep -q 'Status: 404' || fail "a missing page is found"
