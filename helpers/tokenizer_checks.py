"""A tokenizer that someone brings: loaded so that it can be trained with, or refused."""

import json
from pathlib import Path

from transformers import AutoConfig, AutoTokenizer, PreTrainedTokenizerBase

from helpers.model_files import ModelError

SAMPLE = "Color: navy"


def load_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """A model's tokenizer, with a padding token and an end token that training can use.

    Args:
        folder: as `helpers.models.model_folder` gives it.

    Returns:
        The tokenizer. Where it has no padding token that the model knows, the end token pads:
        padding is masked by position, so any token will do.

    Raises:
        ModelError: it can't be loaded, knows no words, has no end token (or one that the model
            has no row for), or appends its end token by itself; says what to do.
    """
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False).get_text_config()
    except Exception as error:  # a broken file ends in any of a dozen kinds
        raise ModelError(
            f"The tokenizer in {folder} can't be loaded ({type(error).__name__}: "
            f"{str(error)[:200]}). Copy its files anew from where the model comes from."
        ) from error
    _check_words(folder, tokenizer)
    _check_end(folder, tokenizer, config)
    if tokenizer.pad_token is None or tokenizer.pad_token_id >= config.vocab_size:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def why_tokens_change(
    tokenizer: PreTrainedTokenizerBase, prompt: str, prompt_ids: list[int]
) -> str:
    """What keeps a prompt's tokens from being the first ones of prompt and completion.

    Args:
        prompt_ids: the tokens of the prompt alone.

    Returns:
        A sentence that names the cause and what to do.
    """
    if prompt_ids[-1:] == [tokenizer.eos_token_id]:
        return (
            "the tokenizer puts its own end token after every text, so after the prompt too: "
            "helpers.tokenizer_checks.load_tokenizer says how to turn that off"
        )
    begins = f"the prompt ends in {prompt[-5:]!r}, and its last token changes when the completion "
    if prompt[-1:].isspace():
        return begins + "follows: end the prompt before a space, and begin the completion with it"
    return begins + "follows: this tokenizer joins the two, so end the prompt in another character"


def _check_words(folder: Path, tokenizer: PreTrainedTokenizerBase) -> None:
    ids = tokenizer(SAMPLE, add_special_tokens=False)["input_ids"]
    if set(ids) <= {tokenizer.unk_token_id}:
        raise ModelError(
            f"The tokenizer in {folder} knows no words: {SAMPLE!r} becomes {ids}. Copy its files "
            "anew from where the model comes from."
        )


def _check_end(folder: Path, tokenizer: PreTrainedTokenizerBase, config: object) -> None:
    end = tokenizer.eos_token_id
    if end is None:
        raise ModelError(_no_end(folder, tokenizer))
    if end >= config.vocab_size:
        raise ModelError(
            f"{folder}: the tokenizer's end token {tokenizer.eos_token!r} is number {end}, and the "
            f"model has rows for {config.vocab_size} tokens. Tokenizer and model are not of one "
            "kind, or model.resize_token_embeddings(len(tokenizer)) was left out before saving."
        )
    with_end = tokenizer(SAMPLE)["input_ids"]
    if with_end[-1] == end:
        first = tokenizer.bos_token_id is not None and with_end[0] == tokenizer.bos_token_id
        raise ModelError(
            f"The tokenizer in {folder} puts {tokenizer.eos_token!r} after every text, so after "
            "each prompt too, and the model would have to write on after its end. Turn that off: "
            f"tokenizer.add_bos_token, tokenizer.add_eos_token = {first}, False; "
            "tokenizer.save_pretrained(folder)."
        )


def _no_end(folder: Path, tokenizer: PreTrainedTokenizerBase) -> str:
    # From the file, not from the configuration: a class fills in numbers of its own.
    known = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("eos_token_id")
    known = known[0] if isinstance(known, list) and known else known
    token = tokenizer.convert_ids_to_tokens(known) if isinstance(known, int) else None
    choice = (
        f'"eos_token": {json.dumps(token)} (the one in config.json)'
        if token
        else '"eos_token" with a token of its vocabulary that no text holds'
    )
    return (
        f"The tokenizer in {folder} has no end token, so the model can't learn where to stop. Add "
        f"{choice} to tokenizer_config.json."
    )
