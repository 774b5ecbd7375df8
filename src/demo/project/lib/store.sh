# Artifacts: one text file each in data/, the title on its first line.

store_file() {
    printf '%s/data/%s.txt\n' "$root" "$1"
}

store_list() {
    for file in "$root"/data/*.txt; do
        name=${file##*/}
        printf '%s\t%s\n' "${name%.txt}" "$(head -n 1 "$file")"
    done
}

store_title() {
    head -n 1 "$(store_file "$1")"
}

store_text() {
    cat "$(store_file "$1")"
}
