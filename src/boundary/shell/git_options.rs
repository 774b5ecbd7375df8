//! The options of git's subcommands, as git itself lists them.
//!
//! Options that run a command, or that write where no word says, are marked as refused.

use super::options::Options;

macro_rules! diff {
    () => {
        "a,text abbrev? anchored= B,break-rewrites? b,ignore-space-change binary C,find-copies? c cc check \
         color? color-moved? color-moved-ws= color-words? combined-all-paths compact-summary cumulative \
         D,irreversible-delete default-prefix diff-algorithm= diff-filter= diff-merges= dirstat-by-file? \
         dst-prefix= exit-code ext-diff! find-copies-harder find-object= full-index G= histogram \
         I,ignore-matching-lines= ignore-blank-lines ignore-cr-at-eol ignore-space-at-eol \
         ignore-submodules? indent-heuristic inter-hunk-context= ita-invisible-in-index \
         ita-visible-in-index l= line-prefix= M,find-renames? m max-depth= merge-base minimal name-only \
         name-status no-prefix numstat O=< output=> output-indicator-context= output-indicator-new= \
         output-indicator-old= p,patch,u patch-with-raw patch-with-stat patience pickaxe-all \
         pickaxe-regex quiet R raw relative? remerge-diff rename-empty renames? rotate-to= S= \
         s,no-patch shortstat skip-to= src-prefix= stat? stat-count= stat-graph-width= \
         stat-name-width= stat-width= submodule? summary t textconv U,unified= W,function-context \
         w,ignore-all-space word-diff? word-diff-regex= ws-error-highlight= X,dirstat? Y? z no-* "
    };
}

macro_rules! log {
    () => {
        "abbrev-commit all alternate-refs ancestry-path? author= author-date-order basic-regexp bisect \
         boundary branches? cherry cherry-mark cherry-pick children clear-decorations committer= count \
         date= date-order decorate? decorate-refs= decorate-refs-exclude= dense do-walk \
         E,extended-regexp encoding= exclude= exclude-first-parent-only exclude-hidden= expand-tabs? \
         F,fixed-strings first-parent follow format= full-diff full-history g,walk-reflogs glob= graph \
         grep= grep-reflog= i,regexp-ignore-case ignore-missing invert-grep L= left-only left-right \
         log-size mailmap max-age= max-count,n= max-parents= merge merges min-age= min-parents= \
         no-walk? not notes? oneline P,perl-regexp parents pretty? reflog relative-date remotes? \
         remove-empty reverse right-only show-linear-break? show-notes? show-pulls show-signature! \
         simplify-by-decoration simplify-merges since,after= since-as-filter= single-worktree skip= \
         source sparse standard-notes stdin! tags? topo-order until,before= use-mailmap walk # "
    };
}

/// Returns the options of a subcommand; nothing for one that has none worth a look, or is not known.
pub(super) fn options(subcommand: &str) -> Option<Options> {
    Some(Options::of_reader(match subcommand {
        "add" | "stage" => {
            "n,dry-run v,verbose i,interactive p,patch e,edit! f,force u,update renormalize \
             N,intent-to-add A,all ignore-removal refresh ignore-errors ignore-missing sparse chmod= \
             pathspec-from-file=< pathspec-file-nul no-*"
        }
        "am" => {
            "i,interactive! n,no-verify verify 3,3way q,quiet s,signoff u,utf8 k,keep keep-non-patch \
             m,message-id keep-cr c,scissors quoted-cr= whitespace= ignore-space-change \
             ignore-whitespace directory= exclude= include= C= p= patch-format= reject resolvemsg= \
             continue r,resolved skip abort quit show-current-patch? retry allow-empty \
             committer-date-is-author-date ignore-date rerere-autoupdate S,gpg-sign? empty= no-*"
        }
        "apply" => {
            "exclude= include= p= add stat numstat summary check index N,intent-to-add cached \
             unsafe-paths! apply 3,3way ours theirs union build-fake-ancestor=! z C= whitespace= \
             ignore-space-change ignore-whitespace R,reverse unidiff-zero reject allow-overlap \
             v,verbose q,quiet inaccurate-eof recount directory= allow-empty no-*"
        }
        "archive" => {
            "format= prefix= add-file=< add-virtual-file= o,output=> worktree-attributes v,verbose \
             mtime= l,list remote=! exec=! no-* #"
        }
        "blame" | "annotate" => {
            "incremental b root show-stats progress score-debug f,show-name n,show-number p,porcelain \
             line-porcelain c t l s e,show-email w ignore-rev= ignore-revs-file=< color-lines \
             color-by-age minimal S=< contents=< C? M? L= abbrev? date= encoding= first-parent h reverse \
             since= until= before= after= no-* #"
        }
        "cat-file" => {
            "e p t s allow-unknown-type use-mailmap mailmap batch? batch-check? Z batch-command? \
             batch-all-objects buffer filter= follow-symlinks unordered textconv filters path= z no-*"
        }
        "checkout" => {
            "b= B= l guess overlay overwrite-ignore q,quiet recurse-submodules? progress m,merge conflict= \
             d,detach t,track? f,force orphan= ignore-other-worktrees 2,ours 3,theirs p,patch \
             ignore-skip-worktree-bits pathspec-from-file=! pathspec-file-nul no-*"
        }
        "cherry-pick" | "revert" => {
            "quit continue abort skip cleanup= n,no-commit commit e,edit s,signoff m,mainline= \
             rerere-autoupdate strategy= X,strategy-option= S,gpg-sign? x ff allow-empty \
             allow-empty-message keep-redundant-commits empty= reference no-*"
        }
        "clean" => "q,quiet n,dry-run f,force i,interactive d e,exclude= x X",
        "clone" => {
            "v,verbose q,quiet progress reject-shallow n,no-checkout checkout bare mirror l,local \
             no-hardlinks hardlinks s,shared recurse-submodules? recursive? j,jobs= template=! \
             reference= reference-if-able= dissociate o,origin= b,branch= u,upload-pack=! depth= \
             shallow-since= shallow-exclude= single-branch tags shallow-submodules \
             separate-git-dir=! ref-format= c,config=! server-option= 4,ipv4 6,ipv6 filter= \
             also-filter-submodules remote-submodules sparse bundle-uri= no-*"
        }
        "commit" => {
            "q,quiet v,verbose F,file=< author= date= m,message= c,reedit-message= C,reuse-message= \
             fixup= squash= reset-author trailer= s,signoff t,template=< e,edit cleanup= status \
             S,gpg-sign? a,all i,include interactive p,patch o,only n,no-verify verify dry-run short \
             branch ahead-behind porcelain long z,null amend allow-empty allow-empty-message \
             no-post-rewrite post-rewrite u,untracked-files? pathspec-from-file=< pathspec-file-nul no-*"
        }
        "commit-tree" => "p= m= F=< S,gpg-sign? no-*",
        "config" => {
            "global system local worktree f,file= blob= get get-all get-regexp get-urlmatch replace-all \
             add unset unset-all rename-section remove-section l,list e,edit get-color get-colorbool \
             t,type= bool int bool-or-int bool-or-str path expiry-date no-type z,null name-only \
             show-origin show-scope show-names includes default= fixed-value all regexp value= url= \
             append comment= no-*"
        }
        "diff" => concat!(
            diff!(),
            "cached,staged no-index base,1 ours,2 theirs,3 0 single-worktree"
        ),
        "diff-files" | "diff-index" | "diff-tree" => concat!(
            diff!(),
            "always cached r root no-commit-id pretty? stdin! base ours theirs 0 1 2 3 format= notes?"
        ),
        "fetch" => {
            "v,verbose q,quiet all set-upstream a,append atomic upload-pack=! f,force m,multiple t,tags \
             n j,jobs= prefetch p,prune P,prune-tags recurse-submodules? dry-run porcelain \
             write-fetch-head k,keep u,update-head-ok progress depth= shallow-since= \
             shallow-exclude= deepen= unshallow refetch update-shallow refmap= o,server-option= \
             4,ipv4 6,ipv6 negotiation-tip= negotiate-only filter= auto-maintenance auto-gc \
             show-forced-updates write-commit-graph stdin no-*"
        }
        "format-patch" => concat!(
            diff!(),
            "numbered,n N,no-numbered signoff stdout cover-letter numbered-files suffix= start-number= \
             v,reroll-count= filename-max-length= rfc? cover-from-description= description-file=< \
             subject-prefix= o,output-directory= k,keep-subject zero-commit ignore-if-in-upstream \
             no-stat add-header= to= cc= from? in-reply-to= attach? inline? thread? signature= base= \
             signature-file=< progress interdiff= range-diff= creation-factor= force-in-body-from \
             root max-count= all #"
        ),
        "grep" => {
            "cached no-index index untracked exclude-standard recurse-submodules v,invert-match \
             i,ignore-case w,word-regexp a,text I textconv r,recursive max-depth= E,extended-regexp \
             G,basic-regexp F,fixed-strings P,perl-regexp n,line-number column h H full-name \
             l,files-with-matches,name-only L,files-without-match z,null o,only-matching c,count color? \
             break heading C,context= B,before-context= A,after-context= threads= p,show-function \
             W,function-context f=< e= and or not q,quiet all-match O,open-files-in-pager?! ext-grep! \
             m,max-count= no-* #"
        }
        "hash-object" => "t= w stdin stdin-paths no-filters filters literally path=",
        "init" => {
            "template=! bare shared? q,quiet separate-git-dir=! b,initial-branch= object-format= \
             ref-format="
        }
        "log" | "reflog" | "show" | "whatchanged" => concat!(diff!(), log!()),
        "ls-remote" => {
            "q,quiet upload-pack,exec=! t,tags b,branches,h,heads refs get-url sort= exit-code symref \
             o,server-option= no-*"
        }
        "merge" => {
            "n stat summary log? squash commit e,edit cleanup= ff ff-only rerere-autoupdate \
             verify-signatures s,strategy= X,strategy-option= m,message= F,file=< into-name= v,verbose \
             q,quiet abort quit continue allow-unrelated-histories progress S,gpg-sign? autostash \
             overwrite-ignore signoff no-verify verify no-*"
        }
        "mv" => "v,verbose n,dry-run f,force k sparse no-*",
        "notes" => {
            "ref= m,message= F,file=< c,reedit-message= C,reuse-message= allow-empty f,force separator? \
             stripspace stdin v,verbose q,quiet n,dry-run s,strategy= commit abort ignore-missing no-*"
        }
        "pull" => {
            "v,verbose q,quiet progress recurse-submodules? r,rebase? n stat log? signoff? squash commit \
             edit cleanup= ff ff-only verify verify-signatures autostash s,strategy= \
             X,strategy-option= S,gpg-sign? allow-unrelated-histories all a,append upload-pack=! \
             f,force t,tags p,prune j,jobs? dry-run k,keep depth= shallow-since= shallow-exclude= \
             deepen= unshallow update-shallow refmap= o,server-option= 4,ipv4 6,ipv6 \
             negotiation-tip= show-forced-updates set-upstream no-*"
        }
        "push" => {
            "v,verbose q,quiet repo= all branches mirror d,delete tags n,dry-run porcelain f,force \
             force-with-lease? force-if-includes recurse-submodules= thin receive-pack,exec=! \
             u,set-upstream progress prune no-verify verify follow-tags signed? atomic \
             o,push-option= 4,ipv4 6,ipv6 no-*"
        }
        "range-diff" => concat!(
            diff!(),
            "creation-factor= dual-color notes? left-only right-only"
        ),
        "rebase" => {
            "onto= keep-base no-verify verify q,quiet v,verbose n,no-stat stat signoff \
             committer-date-is-author-date reset-author-date C= ignore-whitespace whitespace= \
             f,force-rebase no-ff ff continue skip abort quit edit-todo! show-current-patch apply \
             m,merge i,interactive! rerere-autoupdate empty= autosquash update-refs S,gpg-sign? \
             autostash x,exec=! r,rebase-merges? fork-point s,strategy= X,strategy-option= root \
             reschedule-failed-exec reapply-cherry-picks no-*"
        }
        "reset" => {
            "q,quiet refresh mixed soft hard merge keep recurse-submodules? p,patch N,intent-to-add \
             pathspec-from-file=< pathspec-file-nul no-*"
        }
        "restore" => {
            "s,source= S,staged W,worktree ignore-unmerged overlay q,quiet recurse-submodules? progress \
             m,merge conflict= 2,ours 3,theirs p,patch ignore-skip-worktree-bits \
             pathspec-from-file=! pathspec-file-nul no-*"
        }
        "rev-list" => concat!(
            diff!(),
            log!(),
            "objects objects-edge objects-edge-aggressive disk-usage? unpacked header object-names \
             bisect-vars bisect-all timestamp commit-header in-commit-order filter= use-bitmap-index \
             progress= missing= indexed-objects"
        ),
        "rm" => {
            "n,dry-run q,quiet cached f,force r ignore-unmatch sparse pathspec-from-file=! \
             pathspec-file-nul no-*"
        }
        "shortlog" => concat!(
            diff!(),
            log!(),
            "committer,c numbered,n summary,s email,e w? group="
        ),
        "stash" => concat!(
            diff!(),
            log!(),
            "index k,keep-index staged include-untracked message= only-untracked \
             pathspec-from-file=< pathspec-file-nul"
        ),
        "status" => {
            "s,short b,branch show-stash ahead-behind porcelain? long v,verbose u,untracked-files? \
             ignore-submodules? ignored? z column? find-renames? renames no-*"
        }
        "switch" => {
            "c,create= C,force-create= guess discard-changes q,quiet recurse-submodules? progress \
             m,merge conflict= d,detach t,track? f,force orphan= overwrite-ignore \
             ignore-other-worktrees no-*"
        }
        "tag" => {
            "l,list n? d,delete v,verify! a,annotate m,message= F,file=< trailer= e,edit s,sign cleanup= \
             u,local-user= f,force create-reflog column? contains? no-contains? merged? no-merged? \
             omit-empty sort= points-at= format= color? i,ignore-case no-*"
        }
        "worktree" => {
            "f,force b= B= orphan d,detach checkout lock reason= q,quiet track guess-remote porcelain z \
             v,verbose expire= n,dry-run relative-paths no-*"
        }
        _ => return None,
    }))
}
