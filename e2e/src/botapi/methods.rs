//! Which parameters each method has.

use frankenstein::methods as of;
use serde_json::Value;

use super::round;

macro_rules! judged {
    ($method:expr, $given:expr; $($name:literal: $params:ident),* $(,)?; bare: $($bare:literal),*) => {
        match $method {
            $($name => round::<of::$params>($given),)*
            // No parameters at all.
            $($bare => match $given.as_object().is_some_and(serde_json::Map::is_empty) {
                true => Vec::new(),
                false => vec![format!("{} has no parameters", $method)],
            },)*
            other => vec![format!("the Bot API has no method {other}, or this judge does not know it")],
        }
    };
}

/// What is wrong with these parameters of this method.
pub(super) fn judge(method: &str, given: &Value) -> Vec<String> {
    judged!(method, given;
        "answerCallbackQuery": AnswerCallbackQueryParams,
        "answerPreCheckoutQuery": AnswerPreCheckoutQueryParams,
        "copyMessage": CopyMessageParams,
        "createInvoiceLink": CreateInvoiceLinkParams,
        "deleteMessage": DeleteMessageParams,
        "deleteMessages": DeleteMessagesParams,
        "deleteMyCommands": DeleteMyCommandsParams,
        "deleteWebhook": DeleteWebhookParams,
        "editMessageCaption": EditMessageCaptionParams,
        "editMessageMedia": EditMessageMediaParams,
        "editMessageReplyMarkup": EditMessageReplyMarkupParams,
        "editMessageText": EditMessageTextParams,
        "forwardMessage": ForwardMessageParams,
        "getChat": GetChatParams,
        "getFile": GetFileParams,
        "getMyCommands": GetMyCommandsParams,
        "getMyDescription": GetMyDescriptionParams,
        "getMyName": GetMyNameParams,
        "getMyShortDescription": GetMyShortDescriptionParams,
        "getStarTransactions": GetStarTransactionsParams,
        "getUpdates": GetUpdatesParams,
        "leaveChat": LeaveChatParams,
        "refundStarPayment": RefundStarPaymentParams,
        "sendChatAction": SendChatActionParams,
        "sendDocument": SendDocumentParams,
        "sendInvoice": SendInvoiceParams,
        "sendMediaGroup": SendMediaGroupParams,
        "sendMessage": SendMessageParams,
        "sendMessageDraft": SendMessageDraftParams,
        "sendPhoto": SendPhotoParams,
        "setChatMenuButton": SetChatMenuButtonParams,
        "setMyCommands": SetMyCommandsParams,
        "setMyDescription": SetMyDescriptionParams,
        "setMyName": SetMyNameParams,
        "setMyShortDescription": SetMyShortDescriptionParams,
        "setWebhook": SetWebhookParams;
        bare: "getMe", "getWebhookInfo", "getMyStarBalance", "logOut", "close"
    )
}
