//! Programs that show the content of files: which of their words are files, and what their options do.

use super::{
    Kind,
    arguments::Argument,
    braces::{Braces, expand_braces},
    changes::Change,
    effects::Effects,
    looks::{Chosen, Look},
    options::{Options, Parsed, Use, strange, unclear},
    places::{Ground, Places},
};

// A program of which every operand is a file.
struct Plain {
    names: &'static [&'static str],
    options: Options,
}

const fn plain(names: &'static [&'static str], options: &'static str) -> Plain {
    Plain {
        names,
        options: Options::of_reader(options),
    }
}

// The options of GNU and of BSD; a value that is a file to one of them is looked at. What `-c` of the checksums compares is named in a file.
const SUMS: &str = "0 U a,algorithm= b,binary c,check! debug help ignore-missing l,length= p,portable P q,quiet \
     r s,status strict t,text tag untagged version w,warn z,zero";

static PLAIN: &[Plain] = &[
    plain(
        &[
            "b2sum",
            "cksum",
            "md5sum",
            "sha1sum",
            "sha224sum",
            "sha256sum",
            "sha384sum",
            "sha512sum",
            "shasum",
            "sum",
        ],
        SUMS,
    ),
    plain(
        &["base32", "base64"],
        "d,decode D b,break= i,ignore-garbage w,wrap= o,output=> input=< help version",
    ),
    plain(
        &["bat"],
        "p,plain n,number A,show-all l,language= H,highlight-line= r,line-range= style= color= theme= \
         paging= wrap= tabs= d,diff f,force-colorization u,unbuffered decorations= italic-text= \
         file-name= map-syntax= diff-context= terminal-width= P S,chop-long-lines",
    ),
    plain(
        &["cat", "zcat"],
        "A,show-all b,number-nonblank e E,show-ends n,number s,squeeze-blank t T,show-tabs u \
         v,show-nonprinting l help version",
    ),
    plain(
        &["cmp"],
        "b,print-bytes c,print-chars h i,ignore-initial= l,verbose n,bytes= s,quiet,silent x z v,version help",
    ),
    plain(
        &["column"],
        "t,table n,table-name=< O,table-order= N,table-columns= l,table-columns-limit= \
         E,table-noextreme= d,table-noheadings e,table-header-repeat H,table-hide= R,table-right= \
         T,table-truncate= W,table-wrap= L,keep-empty-lines J,json r,tree= i,tree-id= p,tree-parent= \
         c,output-width= o,output-separator= s,separator= x,fillrows h,help V,version",
    ),
    plain(
        &["comm"],
        "1 2 3 i check-order nocheck-order output-delimiter= total z,zero-terminated help version",
    ),
    plain(
        &["cut"],
        "b,bytes= c,characters= d,delimiter= f,fields= n complement s,only-delimited output-delimiter= \
         w z,zero-terminated help version",
    ),
    plain(
        &["expand", "unexpand"],
        "a,all i,initial first-only t,tabs= # help version",
    ),
    plain(
        &["file"],
        "0,print0 b,brief C,compile! c,checking-printout! d,debug! E D e,exclude= exclude-quiet= \
         F,separator= f,files-from=< h,no-dereference i,mime I k,keep-going L,dereference l,list! \
         m,magic-file=< mime-encoding mime-type N,no-pad n,no-buffer P,parameter= p,preserve-date \
         r,raw S,no-sandbox s,special-files v,version z,uncompress Z,uncompress-noreport apple extension \
         help",
    ),
    plain(
        &["fmt"],
        "c,crown-margin g,goal= l= m n p,prefix=< s,split-only t,tagged-paragraph u,uniform-spacing \
         w,width= # help version",
    ),
    plain(&["fold"], "b,bytes s,spaces w,width= # help version"),
    plain(
        &["head", "tail"],
        "b= c,bytes= F f,follow? n,lines= max-unchanged-stats= pid= q,quiet,silent r retry \
         s,sleep-interval= v,verbose z,zero-terminated # help version",
    ),
    plain(
        &["hexdump"],
        "b,one-byte-octal c,one-byte-char C,canonical d,two-bytes-decimal o,two-bytes-octal \
         x,two-bytes-hex L,color? e,format= f,format-file=< n,length= s,skip= v,no-squeezing h,help V,version",
    ),
    plain(
        &["iconv"],
        "c f,from-code= l,list o,output=> s,silent t,to-code= verbose help version",
    ),
    plain(
        &["join"],
        "1= 2= a= e= i,ignore-case j= o= t= v= check-order nocheck-order header z,zero-terminated help version",
    ),
    plain(
        &["less", "more"],
        "a e E f F g G i I J K m M n N Q q r R s S u U w W X #",
    ),
    plain(
        &["nl"],
        "b,body-numbering= d,section-delimiter= f,footer-numbering= h,header-numbering= \
         i,line-increment= l,join-blank-lines= n,number-format= p,no-renumber s,number-separator= \
         v,starting-line-number= w,number-width= help version",
    ),
    plain(
        &["od"],
        "A,address-radix= B D F H I L O S,strings? X a b c d e endian= f h i j,skip-bytes= l \
         N,read-bytes= o s t,format= traditional v,output-duplicates w,width? x help version",
    ),
    plain(
        &["paste"],
        "d,delimiters= s,serial z,zero-terminated help version",
    ),
    plain(
        &["pr"],
        "a,across c,show-control-chars d,double-space D,date-format= e? F,form-feed f h,header= i? \
         J,join-lines l,length= m,merge n,number-lines? N,first-line-number= o,indent= \
         r,no-file-warnings s,separator? S,sep-string? t,omit-header T,omit-pagination \
         v,show-nonprinting w,width= W,page-width= # help version",
    ),
    plain(&["rev"], "0,zero h,help V,version"),
    plain(
        &["sort"],
        "A b,ignore-leading-blanks batch-size= C c,check? compress-program=! debug d,dictionary-order \
         f,ignore-case files0-from=< g,general-numeric-sort h,human-numeric-sort H i,ignore-nonprinting \
         k,key= m,merge M,month-sort mmap n,numeric-sort o,output=> parallel= r,reverse R,random-sort \
         random-source=< s,stable S,buffer-size= sort= t,field-separator= T,temporary-directory= \
         u,unique V,version-sort z,zero-terminated help version",
    ),
    plain(
        &["strings"],
        "a,all arch= d,data e,encoding= f,print-file-name h,help n,bytes= o s,output-separator= t,radix= \
         T,target= U,unicode= u v,version V w,include-all-whitespace #",
    ),
    plain(&["tac"], "b,before r,regex s,separator= help version"),
    plain(&["tsort"], "help version"),
    plain(
        &["uniq"],
        "c,count D,all-repeated? d,repeated f,skip-fields= group? i,ignore-case s,skip-chars= u,unique \
         w,check-chars= z,zero-terminated # help version",
    ),
    plain(
        &["wc"],
        "c,bytes debug files0-from=< L,max-line-length l,lines m,chars total= w,words help version",
    ),
];

const DIFF: Options = Options::of_reader(
    "a,text B,ignore-blank-lines b,ignore-space-change brief c,context? C= color? colour? D,ifdef= \
     d,minimal E,ignore-tab-expansion e,ed exclude= F,show-function-line= from-file=< G \
     horizon-lines= H,speed-large-files h I,ignore-matching-lines= i,ignore-case \
     ignore-file-name-case L,label= l,paginate! left-column line-format= N,new-file n,rcs \
     no-dereference no-ignore-file-name-case normal old-line-format= new-line-format= \
     unchanged-line-format= old-group-format= new-group-format= unchanged-group-format= \
     changed-group-format= P,unidirectional-new-file p,show-c-function palette= q r,recursive \
     S,starting-file= s,report-identical-files side-by-side strip-trailing-cr suppress-blank-empty \
     suppress-common-lines T,initial-tab t,expand-tabs tabsize= to-file=< u,unified? U= \
     v,version W,width= w,ignore-all-space X,exclude-from=< x= y Z,ignore-trailing-space # help",
);

const GREP: Options = Options::of_reader(
    "A,after-context= B,before-context= C= context=< D,devices= E,extended-regexp F,fixed-strings \
     G,basic-regexp H,with-filename I L,files-without-match,files-without-matches O P,perl-regexp \
     R,dereference-recursive S T,initial-tab U,binary V,version Z,null a,text b,byte-offset c,count \
     d,directories= e,regexp= f,file=< h,no-filename i,ignore-case J z,null-data,decompress \
     l,files-with-matches m,max-count= n,line-number o,only-matching p q,quiet,silent r,recursive \
     s,no-messages u,unix-byte-offsets v,invert-match w,word-regexp x,line-regexp y color? colour? \
     binary-files= exclude= exclude-dir= exclude-from=< group-separator= no-group-separator include= \
     include-dir= label= line-buffered no-ignore-case help #",
);

const RG: Options = Options::of_reader(
    "A,after-context= B,before-context= C,context= E,encoding= F,fixed-strings H,with-filename \
     I,no-filename L,follow M,max-columns= N,no-line-number P,pcre2 S,smart-case T,type-not= \
     U,multiline V,version 0,null a,text b,byte-offset c,count d,max-depth,maxdepth= e,regexp= f,file=< \
     g,glob= h,help i,ignore-case j,threads= l,files-with-matches m,max-count= n,line-number \
     o,only-matching p,pretty q,quiet r,replace= s,case-sensitive t,type= u,unrestricted \
     v,invert-match w,word-regexp x,line-regexp z,search-zip hidden,. no-hidden auto-hybrid-regex \
     no-auto-hybrid-regex binary no-binary block-buffered no-block-buffered color= colors= column \
     no-column context-separator= no-context-separator count-matches crlf no-crlf debug trace \
     dfa-size-limit= engine= field-context-separator= field-match-separator= files files-without-match \
     no-fixed-strings glob-case-insensitive no-glob-case-insensitive heading no-heading \
     hyperlink-format= iglob= ignore-file=< ignore-file-case-insensitive include-zero no-invert-match \
     json no-json line-buffered no-line-buffered max-columns-preview max-filesize= mmap no-mmap \
     multiline-dotall no-config no-follow no-ignore ignore no-ignore-dot no-ignore-exclude \
     no-ignore-files no-ignore-global no-ignore-messages no-ignore-parent no-ignore-vcs no-messages \
     messages no-multiline null-data one-file-system passthru,passthrough path-separator= no-pcre2 \
     pcre2-version pre=! no-pre pre-glob= regex-size-limit= no-require-git sort= sortr= sort-files \
     stats no-stats stop-on-nonmatch no-text trim no-trim type-add= type-clear= type-list \
     no-unicode unicode vimgrep hostname-bin=! generate=",
);

const ACK: Options = Options::of_reader(
    "A,after-context= B,before-context= C,context= Q,literal S,smart-case a,all-types G,file-search-regex= \
     c,count D,debug color nocolor color-match= column nocolumn depth= f,follow g= group nogroup \
     H,heading h,no-filename i,ignore-case ignore= l,files-with-matches L,files-without-matches \
     m,max-count= n,norecurse,no-recurse numbers nonumbers o,only-matching p print-long-lines \
     passthrough passthru r,recurse s,case-sensitive silent stats t,all-text u,unrestricted \
     U,skip-vcs-ignores v,invert-match w,word-regexp W,width= hidden 0,null sort-files type= x z",
);

const JQ: Options = Options::of_reader(
    "a,ascii-output arg== argjson== args b,binary C,color-output c,compact-output e,exit-status \
     f,from-file=! h,help i! in-place,inplace! indent= j,join-output jsonargs L,library-path=! \
     M,monochrome-output n,null-input R,raw-input r,raw-output raw-output0 rawfile==< S,sort-keys \
     s,slurp seq slurpfile==< stream stream-errors tab unbuffered V,version",
);

const YQ: Options = Options::of_reader(
    "0,nul-output C,colors,color-output c,compact-output e,exit-status f,from-file,front-matter=! h,help \
     I,indent= i! in-place,inplace! j,tojson M,no-colors,monochrome-output N,no-doc n,null-input \
     o,output-format= p,input-format= P,prettyPrint r,unwrapScalar,raw-output s,split-exp! S,sort-keys \
     V,version v,verbose w,width= y,yaml-output Y,yaml-roundtrip arg== argjson== tab",
);

// What a tree of names, sizes, or times may read besides, and write.
const DU: Options = Options::of_reader(
    "0,null A,apparent-size a,all B,block-size= b,bytes c,total D,dereference-args d,max-depth= exclude= \
     files0-from=< g H h,human-readable I= inodes k L,dereference l,count-links m n \
     P,no-dereference r S,separate-dirs si s,summarize t,threshold= time? time-style= X,exclude-from=< \
     x,one-file-system help version",
);

const DATE: Options = Options::of_reader(
    "d,date= debug f= I,iso-8601? j n R,rfc-email,rfc-2822 rfc-3339= resolution r,reference= s,set=! u,utc,universal \
     v= file=< help version",
);

const TREE: Options = Options::of_reader(
    "A a C c D d F f g gitfile= gitignore H= h I= i infofile= info J L= l N n o=> P= p Q q R! r S s T= t \
     U u v X x charset= device dirsfirst du fflinks filelimit= filesfirst fromfile fromtabfile help \
     hintro=< houtro=> ignore-case inodes matchdirs metafirst nolinks noreport prune si sort= \
     timefmt= version",
);

// The first operand is a pattern or a program, unless an option gives it.
const WITH_PATTERN: &[&str] = &[
    "egrep", "fgrep", "grep", "jq", "rg", "yq", "zgrep", "ack", "ag",
];

// What ripgrep takes for files of a type. A hidden file of a type that is asked for is looked at.
const TYPES: &[(&[&str], &[&str])] = &[
    (&["c"], &[".c", ".h"]),
    (
        &["cpp"],
        &[".cpp", ".cc", ".cxx", ".hpp", ".hh", ".hxx", ".h", ".inl"],
    ),
    (&["css"], &[".css", ".scss"]),
    (&["go"], &[".go"]),
    (&["html"], &[".htm", ".html", ".ejs"]),
    (&["java"], &[".java", ".jsp", ".properties"]),
    (&["js"], &[".js", ".jsx", ".vue", ".cjs", ".mjs"]),
    (&["json"], &[".json", "composer.lock", ".sarif"]),
    (&["kotlin"], &[".kt", ".kts"]),
    (
        &["md", "markdown"],
        &[
            ".markdown",
            ".md",
            ".mdown",
            ".mdwn",
            ".mkd",
            ".mkdn",
            ".mdx",
        ],
    ),
    (&["py", "python"], &[".py", ".pyi"]),
    (
        &["ruby", "rb"],
        &[
            ".rb",
            ".gemspec",
            ".rbw",
            ".irbrc",
            "Gemfile",
            "Rakefile",
            "config.ru",
        ],
    ),
    (&["rust"], &[".rs"]),
    (&["sql"], &[".sql", ".psql"]),
    (&["swift"], &[".swift"]),
    (&["toml"], &[".toml", "Cargo.lock"]),
    (&["ts", "typescript"], &[".ts", ".tsx", ".cts", ".mts"]),
    (&["yaml"], &[".yaml", ".yml"]),
];

/// Returns whether the program, by its base name, shows files.
pub(super) fn is_reader(name: &str) -> bool {
    WITH_PATTERN.contains(&name)
        || matches!(name, "diff" | "tr" | "xxd")
        || PLAIN.iter().any(|plain| plain.names.contains(&name))
}

/// Returns the options of a reader, or of another program that may read what an option names.
pub(super) fn options(name: &str) -> Option<Options> {
    Some(match name {
        "diff" => DIFF,
        "egrep" | "fgrep" | "grep" | "zgrep" => GREP,
        "rg" => RG,
        "ack" | "ag" => ACK,
        "jq" => JQ,
        "yq" => YQ,
        "du" => DU,
        "date" => DATE,
        "tree" => TREE,
        name => {
            let mut plain = PLAIN.iter();
            plain.find(|plain| plain.names.contains(&name))?.options
        }
    })
}

/// Returns what a reader looks at, and what it may write.
pub(super) fn effects(
    name: &str,
    rest: &[Argument],
    ground: &Ground<'_>,
    places: &Places,
) -> Result<Effects, String> {
    let mut effects = Effects::default();
    if name == "tr" {
        return Ok(effects);
    }
    if name == "xxd" {
        return xxd(rest);
    }
    let Some(options) = options(name) else {
        return Ok(effects);
    };
    let parsed = options.parse(rest)?;
    effects.look(parsed.used(Use::Read).cloned(), &Look::File);
    effects.change(parsed.used(Use::Write).cloned(), Change::File);
    match name {
        "date" => date(&parsed, &mut effects),
        // The names of files are all that they show.
        "du" => {}
        "tree" if parsed.has(&["fromfile", "fromtabfile"]) => {
            effects.look(parsed.operands, &Look::File);
        }
        "tree" => {}
        "diff" => diff(&parsed, ground, places, &mut effects),
        "jq" | "yq" => {
            let mut files = parsed.operands;
            if !files.is_empty() {
                program(name, &mut files)?;
            }
            effects.look(files, &Look::File);
        }
        name if WITH_PATTERN.contains(&name) => {
            search(name, &parsed, ground, &mut effects);
        }
        "less" | "more"
            if parsed
                .operands
                .iter()
                .any(|word| word.prefix().starts_with('+')) =>
        {
            return Err("has a command for the pager, which may run anything".to_owned());
        }
        "uniq" => {
            effects.change(parsed.operands.get(1).cloned(), Change::File);
            effects.look(parsed.operands, &Look::File);
        }
        "sort" => {
            let directories = parsed.values(&["T"]).cloned();
            effects.change(directories, Change::Anything);
            effects.look(parsed.operands, &Look::File);
        }
        "strings" => {
            for file in parsed.operands {
                // Its options may stand in a file.
                match file.after(1).filter(|_| file.prefix().starts_with('@')) {
                    Some(inner) => effects.look([inner], &Look::File),
                    None => effects.look([file], &Look::File),
                }
            }
        }
        _ => effects.look(parsed.operands, &Look::File),
    }
    Ok(effects)
}

// `-f` is a file to GNU, and a format to BSD, which takes the date that follows.
fn date(parsed: &Parsed, effects: &mut Effects) {
    effects.look(parsed.values(&["f"]).cloned(), &Look::File);
}

fn diff(parsed: &Parsed, ground: &Ground<'_>, places: &Places, effects: &mut Effects) {
    let directory = |word: &Argument| {
        let paths = word.literal().map(|path| Ground::absolutes(&path, places));
        let mut paths = paths.into_iter().flatten().flatten();
        paths.any(|path| ground.kind(&path) == Kind::Directory)
    };
    let recursive = parsed.has(&["r"]);
    let values = parsed.values(&["from-file", "to-file"]);
    let all: Vec<&Argument> = parsed.operands.iter().chain(values).collect();
    for word in &all {
        let look = if recursive && !parsed.has(&["no-dereference"]) {
            Look::Through
        } else if recursive || directory(word) {
            Look::Tree
        } else {
            Look::File
        };
        effects.look([(*word).clone()], &look);
        // A file is compared with its namesake in a directory.
        for other in &all {
            let name = other.literal().unwrap_or_default();
            let name = name.rsplit('/').next().unwrap_or_default();
            if let Some(path) = word.literal().filter(|_| word != other && !name.is_empty()) {
                let mut inner = Argument::text(format!("{}/{name}", path.trim_end_matches('/')));
                inner.shown.clone_from(&word.shown);
                effects.look([inner], &Look::File);
            }
        }
    }
}

// The program of `jq`, which may name files of its own.
fn program(name: &str, operands: &mut Vec<Argument>) -> Result<(), String> {
    // One `yq` has subcommands, and takes a file where there is no program.
    if name == "yq" {
        let evaluates = |word: &Argument| {
            ["e", "ea", "eval", "eval-all"]
                .iter()
                .any(|own| word.is(own))
        };
        if operands.first().is_some_and(evaluates) {
            operands.remove(0);
        }
    }
    let Some(first) = operands.first().cloned() else {
        return Ok(());
    };
    if name == "jq" {
        operands.remove(0);
    }
    let said = || {
        Err(format!(
            "has the program `{}`, which might read files that the line does not name",
            super::parse::excerpt(&first.shown)
        ))
    };
    let prefix = first.prefix();
    let text = first.literal();
    let loads =
        |text: &str| text.contains("load") || text.contains("import") || text.contains("include");
    match (&text, name) {
        (Some(text), "yq") if loads(text) => said(),
        (Some(text), _) if begins_with_import(text) => said(),
        (Some(_), _) => Ok(()),
        // What is known of its start keeps it from beginning with an import.
        (None, "jq") if prefix.trim_start().starts_with(['.', '[', '{', '$', '(']) => Ok(()),
        (None, _) if first.is_unknown() => said(),
        (None, _) => Ok(()),
    }
}

fn begins_with_import(program: &str) -> bool {
    let lines = program.lines().map(str::trim_start);
    let code: Vec<&str> = lines.filter(|line| !line.starts_with('#')).collect();
    let code = code.join("\n");
    let code = code.trim_start();
    ["import", "include", "module"]
        .iter()
        .any(|word| code.starts_with(word))
        || program.contains("modulemeta")
        || program.contains("get_search_list")
}

// Programs that look for a pattern in files.
fn search(name: &str, parsed: &Parsed, ground: &Ground<'_>, effects: &mut Effects) {
    let mut files = parsed.operands.clone();
    let given = match name {
        "rg" => parsed.has(&["e", "f", "files", "type-list"]),
        "ack" | "ag" => parsed.has(&["f", "g"]),
        _ => parsed.has(&["e", "f"]),
    };
    if !given && !files.is_empty() {
        files.remove(0);
    }
    // Without a look at content, or with nothing said.
    if name == "rg" && parsed.has(&["files", "type-list"]) {
        return;
    }
    let look = recursion(name, parsed, ground, &files);
    if files.is_empty() && look.is_some() {
        files.push(Argument::text("."));
    }
    effects.look(files, &look.unwrap_or(Look::File));
}

/// Returns how a search reads a directory, if it does.
pub(super) fn recursion(
    name: &str,
    parsed: &Parsed,
    ground: &Ground<'_>,
    files: &[Argument],
) -> Option<Look> {
    match name {
        "rg" => Some(rg(parsed, ground, files)),
        "ack" | "ag" => Some(Look::Through),
        _ => {
            // Whatever may be a shortened `recurse`.
            let mut actions = parsed.values(&["d"]);
            let recurses = actions.any(|action| {
                action
                    .literal()
                    .is_none_or(|action| action.starts_with('r'))
            });
            if parsed.has(&["R", "S"]) {
                return Some(Look::Through);
            }
            if !recurses && !parsed.has(&["r"]) {
                return None;
            }
            Some(included(parsed).map_or(Look::Tree, Look::Chosen))
        }
    }
}

// The files that `--include` leaves; it must come first, else what it does not name is looked at too.
fn included(parsed: &Parsed) -> Option<Vec<Chosen>> {
    let mut options = parsed.options.iter();
    let first = options
        .find(|option| option.name.starts_with("include") || option.name.starts_with("exclude"))?;
    if first.name != "include" {
        return None;
    }
    let values = parsed.values(&["include"]);
    values.map(|glob| Some(end_of(&glob.literal()?))).collect()
}

fn end_of(glob: &str) -> Chosen {
    let end = glob.rfind(['*', '?', '[', ']', '\\', '{', '}']);
    Chosen {
        start: String::new(),
        end: end
            .map_or(glob, |at| glob.get(at + 1..).unwrap_or_default())
            .to_owned(),
    }
}

fn rg(parsed: &Parsed, ground: &Ground<'_>, files: &[Argument]) -> Look {
    let given = |name: &str| {
        parsed
            .options
            .iter()
            .filter(|option| option.name == name)
            .count()
    };
    let configured = ground.exports("RIPGREP_CONFIG_PATH") && !parsed.has(&["no-config"]);
    if parsed.has(&["L"]) {
        return Look::Through;
    }
    if parsed.has(&["hidden", "type-add"]) || given("u") > 1 || configured {
        return Look::Tree;
    }
    // What is asked for by name or type is looked at although it is hidden or ignored.
    let mut chosen = Vec::new();
    for glob in parsed.values(&["g", "iglob"]) {
        let Some(text) = glob.literal() else {
            return Look::Tree;
        };
        if text.starts_with('!') {
            continue;
        }
        let globs = match expand_braces(&text) {
            Braces::None => vec![text],
            Braces::Words(words) => words,
            Braces::Unclear => return Look::Tree,
        };
        for glob in globs {
            let mut one = end_of(&glob);
            // With a slash it begins where one is.
            if files.is_empty()
                && let Some(wild) = glob.find(['*', '?', '[', '\\'])
                && glob.trim_end_matches('/').contains('/')
            {
                let start = glob.get(..wild).unwrap_or_default();
                start.trim_start_matches('/').clone_into(&mut one.start);
            }
            chosen.push(one);
        }
    }
    for kind in parsed.values(&["t"]) {
        let known = kind.literal().and_then(|kind| {
            TYPES
                .iter()
                .find(|(names, _)| names.contains(&kind.as_str()))
        });
        let Some((_, ends)) = known else {
            return Look::Tree;
        };
        chosen.extend(ends.iter().map(|end| Chosen {
            start: String::new(),
            end: (*end).to_owned(),
        }));
    }
    let ignores = |name: &str| name.starts_with("no-ignore") && name != "no-ignore-messages";
    let mut options = parsed.options.iter();
    let unrestricted = parsed.has(&["u", "ignore-file", "no-require-git"]);
    if unrestricted || options.any(|option| ignores(option.name)) {
        return Look::Visible(chosen);
    }
    Look::Searched(chosen)
}

// Its options are long and begin with one dash, so none stand together.
fn xxd(rest: &[Argument]) -> Result<Effects, String> {
    const FLAGS: &[&str] = &[
        "-a",
        "-autoskip",
        "-b",
        "-bits",
        "-C",
        "-capitalize",
        "-d",
        "-e",
        "-E",
        "-EBCDIC",
        "-h",
        "-help",
        "-i",
        "-include",
        "-p",
        "-ps",
        "-plain",
        "-postscript",
        "-r",
        "-revert",
        "-u",
        "-uppercase",
        "-v",
        "-version",
    ];
    const VALUED: &[&str] = &[
        "-c",
        "-cols",
        "-g",
        "-groupsize",
        "-l",
        "-len",
        "-n",
        "-name",
        "-o",
        "-s",
        "-seek",
        "-R",
    ];
    let mut effects = Effects::default();
    let mut operands = Vec::new();
    let mut rest = rest.iter();
    while let Some(word) = rest.next() {
        let Some(text) = word.literal() else {
            if word.prefix().is_empty() && !word.has_globs() || word.prefix().starts_with('-') {
                return Err(unclear(word));
            }
            operands.push(word.clone());
            continue;
        };
        if VALUED.contains(&text.as_str()) {
            rest.next();
        } else if text.starts_with('-') && text != "-" && !FLAGS.contains(&text.as_str()) {
            return Err(strange(&text));
        } else if !text.starts_with('-') || text == "-" {
            operands.push(word.clone());
        }
    }
    effects.change(operands.get(1).cloned(), Change::File);
    effects.look(operands, &Look::File);
    Ok(effects)
}
