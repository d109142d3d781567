//! The words of the text models: something sensible that quotes the prompt.

/// In Russian when the prompt is.
pub(crate) fn text(prompt: &str, turns: usize, references: usize) -> String {
    let quoted: String = prompt.trim().chars().take(300).collect();
    let russian = quoted.chars().any(|c| ('а'..='я').contains(&c.to_lowercase().next().unwrap_or(c)));
    let words = quoted.split_whitespace().count();
    if russian {
        let before = if turns > 0 {
            format!(" До этого в разговоре было реплик: {turns}.")
        } else {
            String::new()
        };
        let pictures = if references > 0 {
            format!(" Приложено картинок: {references}.")
        } else {
            String::new()
        };
        return format!(
            "Вы спросили: «{quoted}».{before}{pictures}\n\nЭто ответ песочницы, а не настоящей модели. Слов в вопросе: \
             {words}. Коротко: хороший вопрос начинается с цели, продолжается подробностями и кончается тем, каким \
             должен быть ответ.\n\nНапишите ещё что-нибудь, и я отвечу так же спокойно."
        );
    }
    let before = if turns > 0 { format!(" {turns} turns came before it.") } else { String::new() };
    let pictures = if references > 0 {
        format!(" {} came with it.", counted(references, "picture"))
    } else {
        String::new()
    };
    format!(
        "You asked: “{quoted}”.{before}{pictures}\n\nThis is the sandbox's answer, not a real model's. Your question has \
         {}. In short: a good question starts with the goal, goes on with the details and ends with what the \
         answer should look like.\n\nWrite something else, and I will answer just as calmly.",
        counted(words, "word")
    )
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// Four characters to a token, as good as any rule of thumb.
pub(crate) fn tokens(text: &str) -> i64 {
    i64::try_from(text.chars().count().div_ceil(4)).unwrap_or(i64::MAX).max(1)
}

/// Pieces of some words each, for a stream.
pub(crate) fn pieces(text: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for (at, word) in text.split_inclusive(' ').enumerate() {
        if at > 0 && at % 8 == 0 {
            pieces.push(String::new());
        }
        if let Some(last) = pieces.last_mut() {
            last.push_str(word);
        }
    }
    pieces
}
