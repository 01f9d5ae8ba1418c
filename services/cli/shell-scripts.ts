/** Each asks `berth completion words` for what may stand where the cursor is; "berth" may be an alias or a function of the user's shell. */
const SCRIPTS: Readonly<Record<string, string>> = {
  bash: `_berth() {
  local IFS=$'\\n'
  COMPREPLY=($(berth completion words -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -F _berth berth`,
  zsh: `#compdef berth
_berth() {
  local -a found
  found=("\${(@f)$(berth completion words -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "$found" ]]; then compadd -a found; fi
}
whence compdef > /dev/null || { autoload -Uz compinit && compinit }
compdef _berth berth
# As a file among the shell's functions it is read at the first question.
if [[ "$funcstack[1]" == _berth ]]; then _berth "$@"; fi`,
  fish: `complete -c berth -f -a '(berth completion words -- (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'`,
};

export const SHELLS: readonly string[] = Object.keys(SCRIPTS);

export const scriptFor = (shell: string): string | undefined => (Object.hasOwn(SCRIPTS, shell) ? SCRIPTS[shell] : undefined);
