//! An item taken apart as far as the attributes need it: what stands before it, and a function's name and parameters.

use proc_macro::{Delimiter, Group, Ident, Punct, Spacing, TokenStream, TokenTree};

/// An item: its attributes, and the rest.
pub(crate) struct Item {
    /// `#` and its brackets, pair by pair.
    pub(crate) attributes: Vec<(TokenTree, Group)>,
    /// From the visibility to the end.
    pub(crate) rest: Vec<TokenTree>,
}

impl Item {
    /// Takes the attributes off an item.
    pub(crate) fn new(item: TokenStream) -> Self {
        let mut attributes = Vec::new();
        let mut rest: Vec<TokenTree> = item.into_iter().collect();
        while let [TokenTree::Punct(hash), TokenTree::Group(brackets), ..] = rest.as_slice()
            && hash.as_char() == '#'
            && brackets.delimiter() == Delimiter::Bracket
        {
            attributes.push((rest[0].clone(), brackets.clone()));
            rest.drain(..2);
        }
        Self { attributes, rest }
    }

    /// The attributes as tokens, those of Sabot left out.
    pub(crate) fn foreign_attributes(&self) -> TokenStream {
        let foreign = self.attributes.iter().filter(|(_, brackets)| !is_sabot(brackets));
        foreign.flat_map(|(hash, brackets)| [hash.clone(), TokenTree::Group(brackets.clone())]).collect()
    }

    /// All attributes as tokens.
    pub(crate) fn all_attributes(&self) -> TokenStream {
        self.attributes.iter().flat_map(|(hash, brackets)| [hash.clone(), TokenTree::Group(brackets.clone())]).collect()
    }

    /// Whether one of the attributes begins with this word.
    pub(crate) fn has_attribute(&self, word: &str) -> bool {
        self.attributes.iter().any(|(_, brackets)| first_word(brackets).as_deref() == Some(word))
    }

    /// The word that says what the item is, after visibility and the like: `fn`, `struct`.
    pub(crate) fn has_keyword(&self, keyword: &str) -> bool {
        self.rest.iter().any(|tree| matches!(tree, TokenTree::Ident(ident) if ident.to_string() == keyword))
    }
}

fn first_word(brackets: &Group) -> Option<String> {
    match brackets.stream().into_iter().next() {
        Some(TokenTree::Ident(ident)) => Some(ident.to_string()),
        Some(TokenTree::Group(_) | TokenTree::Punct(_) | TokenTree::Literal(_)) | None => None,
    }
}

/// Whether the brackets hold `sabot(..)`, which the front end reads and rustc does not know.
fn is_sabot(brackets: &Group) -> bool {
    let trees: Vec<TokenTree> = brackets.stream().into_iter().collect();
    matches!(trees.as_slice(), [TokenTree::Ident(word), TokenTree::Group(_)] if word.to_string() == "sabot")
}

/// The tokens without `#[sabot(..)]`, inside brackets too.
pub(crate) fn without_sabot(stream: impl IntoIterator<Item = TokenTree>) -> TokenStream {
    let mut out: Vec<TokenTree> = Vec::new();
    for tree in stream {
        match tree {
            TokenTree::Group(group)
                if group.delimiter() == Delimiter::Bracket
                    && is_sabot(&group)
                    && matches!(out.last(), Some(TokenTree::Punct(hash)) if hash.as_char() == '#') =>
            {
                out.pop();
            }
            TokenTree::Group(group) => {
                let mut inner = Group::new(group.delimiter(), without_sabot(group.stream()));
                inner.set_span(group.span());
                out.push(TokenTree::Group(inner));
            }
            other @ (TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_)) => out.push(other),
        }
    }
    out.into_iter().collect()
}

/// A function without generics and return type, as a pipeline is.
pub(crate) struct Signature {
    /// From the visibility to `fn`.
    pub(crate) before: Vec<TokenTree>,
    /// Its name.
    pub(crate) name: Ident,
    /// Its parameters, without Sabot's attributes.
    pub(crate) parameters: Vec<Parameter>,
    /// Its body.
    pub(crate) body: Group,
}

/// A parameter of a function.
pub(crate) struct Parameter {
    /// Its name.
    pub(crate) name: Ident,
    /// Everything behind the colon.
    pub(crate) ty: Vec<TokenTree>,
}

impl Signature {
    /// Takes a function apart; nothing if it has another shape.
    pub(crate) fn new(rest: &[TokenTree]) -> Option<Self> {
        let at = rest.iter().position(|tree| matches!(tree, TokenTree::Ident(word) if word.to_string() == "fn"))?;
        let [TokenTree::Ident(name), TokenTree::Group(parameters), TokenTree::Group(body)] = &rest[at + 1..] else {
            return None;
        };
        let is = |group: &Group, delimiter| group.delimiter() == delimiter;
        if !is(parameters, Delimiter::Parenthesis) || !is(body, Delimiter::Brace) {
            return None;
        }
        let plain = without_sabot(parameters.stream());
        let parameters = split_at_commas(plain).into_iter().map(Parameter::new).collect::<Option<_>>()?;
        Some(Self { before: rest[..=at].to_vec(), name: name.clone(), parameters, body: body.clone() })
    }
}

impl Parameter {
    fn new(tokens: Vec<TokenTree>) -> Option<Self> {
        match tokens.as_slice() {
            [TokenTree::Ident(name), TokenTree::Punct(colon), ty @ ..] if colon.as_char() == ':' && !ty.is_empty() => {
                Some(Self { name: name.clone(), ty: ty.to_vec() })
            }
            _ => None,
        }
    }

    /// `name: Type,`
    pub(crate) fn declaration(&self) -> impl Iterator<Item = TokenTree> {
        let punct = |character| TokenTree::Punct(Punct::new(character, Spacing::Alone));
        let name = TokenTree::Ident(self.name.clone());
        [name, punct(':')].into_iter().chain(self.ty.iter().cloned()).chain([punct(',')])
    }
}

/// What stands between commas that are not inside of angle brackets.
pub(crate) fn split_at_commas(stream: TokenStream) -> Vec<Vec<TokenTree>> {
    let mut list: Vec<Vec<TokenTree>> = vec![Vec::new()];
    let mut depth = 0_usize;
    for tree in stream {
        if let TokenTree::Punct(punct) = &tree {
            match punct.as_char() {
                '<' => depth += 1,
                '>' => depth = depth.saturating_sub(1),
                ',' if depth == 0 => {
                    list.push(Vec::new());
                    continue;
                }
                _ => {}
            }
        }
        if let Some(last) = list.last_mut() {
            last.push(tree);
        }
    }
    list.retain(|parameter| !parameter.is_empty());
    list
}
