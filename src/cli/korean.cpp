// The Korean of the program's help and messages. An English text that is not listed stays English; tests/cli checks
// that every command's description is.
#include "cli/language.h"

#include <array>
#include <cstdlib>
#include <string>
#include <unordered_map>

#include <CLI/App.hpp>

namespace ondol::cli {
namespace {

struct Entry {
  std::string_view english;
  std::string_view korean;
};

constexpr Entry kEntries[] = {
    {"Run, teach, ground and put to work open language models on your own hardware.",
     "공개 언어 모델을 내 컴퓨터에서 실행하고, 가르치고, 내 자료로 답하게 하고, 일을 시킵니다."},
    {"Answer one question, or continue one text", "질문 하나에 답하거나 글을 이어 씁니다"},
    {"Talk with a model in the terminal", "터미널에서 모델과 대화합니다"},
    {"Ondol serves {} at {} (stop: Ctrl-C)", "온돌이 {} 모델을 {} 에서 제공합니다 (끝내기: Ctrl-C)"},
    {"or open {} in a browser", "또는 브라우저에서 {} 을 여세요"},
    {"no model yet", "아직 없는"},
    {"warning: everybody who can reach this machine can use the models; set a key with --api-key",
     "경고: 이 컴퓨터에 닿을 수 있는 누구나 모델을 쓸 수 있습니다. --api-key로 열쇠를 정하세요"},
    {"Move a store of documents to a PostgreSQL server, or back",
     "문서 저장소를 PostgreSQL 서버로 옮기거나 되가져옵니다"},
    {"copying", "복사하는 중"},
    {"Make one's documents searchable, or bring that up to date",
     "내 문서를 찾을 수 있게 하거나, 바뀐 것을 반영합니다"},
    {"Find passages in indexed documents", "색인한 문서에서 구절을 찾습니다"},
    {"Answer a question out of indexed documents, with citations", "색인한 문서로 질문에 답하고 근거를 보여 줍니다"},
    {"The question; without it, a conversation", "질문 (없으면 대화)"},
    {"A model that follows instructions: a file, a folder or a name in the store; without it the default, where that "
     "is "
     "large enough",
     "지시를 따르는 모델: 파일, 폴더 또는 저장소의 이름 (없으면 기본 모델이 충분히 클 때 그 모델)"},
    {"Quote the sentences that fit best, without a model", "모델 없이, 가장 잘 맞는 문장을 그대로 보여 줍니다"},
    {"Passages that an answer is taken from", "답을 얻을 구절의 수"},
    {"Most tokens of the model's answer", "모델이 쓰는 답의 최대 토큰 수"},
    {"Answer also where the search finds too little", "찾은 것이 너무 적어도 답합니다"},
    {"Search by words alone, without the store's models", "저장소의 모델 없이 낱말로만 찾습니다"},
    {"Search without the store's reranker", "저장소의 재정렬 모델 없이 찾습니다"},
    {"In the order as found, without the store's reranker", "저장소의 재정렬 모델 없이 찾은 순서대로"},
    {"A cross-encoder, or an embedding model, that reads the best again where that helps in these documents; it is "
     "remembered, and none forgets it",
     "가장 나은 것들을 다시 읽는 크로스 인코더나 임베딩 모델. 이 문서들에서 도움이 될 때만 쓰고 기억해 두며, none이면 "
     "잊습니다"},
    {"One JSON document for each answer", "답마다 JSON 문서 하나로 출력"},
    {"The file that holds what was indexed", "색인한 것을 담는 파일"},
    {"page", "쪽"},
    {"line", "줄"},
    {"Sources:", "출처:"},
    {"Sources disagree:", "출처마다 다릅니다:"},
    {"{} independent sources say so.", "서로 다른 출처 {}곳이 그렇게 말합니다."},
    {"Ask your documents; /help lists commands.", "문서에 물어보세요. /help 로 명령을 볼 수 있습니다."},
    {"  /clear   forget the conversation\n"
     "  /exit    leave (Ctrl-D too)\n",
     "  /clear   대화를 잊습니다\n"
     "  /exit    나갑니다 (Ctrl-D도)\n"},
    {"Goals for agents in the background: queued, scheduled, done by workers",
     "뒤에서 이루는 목표: 줄 세우기, 예약, 일꾼이 하기"},
    {"Queue a goal, or have it come again and again", "목표를 줄에 세우거나 되풀이합니다"},
    {"Do what is queued, one after the other; start several for more",
     "줄에 선 일을 하나씩 합니다 (여러 개를 띄우면 더 빨라집니다)"},
    {"The jobs, the latest first", "일 목록, 새것부터"},
    {"One job", "일 하나"},
    {"Approve or refuse what a job asks", "일이 묻는 것을 허락하거나 거절합니다"},
    {"End a job", "일을 끝냅니다"},
    {"Goals that come again", "되풀이되는 목표"},
    {"Forget a schedule", "예약을 지웁니다"},
    {"What changes something: wait for `ondol jobs answer` (ask), do it (auto), or refuse it (never)",
     "무언가를 바꾸는 일: `ondol jobs answer`를 기다리기(ask), 하기(auto), 거절하기(never)"},
    {"The same name again is the same job, which is done once", "같은 이름은 같은 일이고, 한 번만 합니다"},
    {"Times that come again: \"minute hour day month weekday\", or @daily",
     "되풀이되는 때: \"분 시 일 월 요일\" 또는 @daily"},
    {"Not before so many seconds", "이만큼의 초가 지난 뒤에"},
    {"Higher ones first", "높은 것부터"},
    {"End when there is nothing to do", "할 일이 없으면 끝냅니다"},
    {"yes, no, or always for this workspace", "yes, no, 또는 이 작업 폴더에서는 늘 always"},
    {"job", "일"},
    {"waiting", "기다림"},
    {"running", "하는 중"},
    {"asking", "묻는 중"},
    {"done", "끝남"},
    {"failed", "실패"},
    {"cancelled", "취소"},
    {"Reach a goal with tools and programs, in a sandbox, with approval",
     "도구와 프로그램으로 목표를 이룹니다 (격리된 곳에서, 허락을 받아)"},
    {"What is to be reached, in plain words", "이룰 것을 평소 말로"},
    {"A model with a chat template: a file, a folder or a name in the store; without it the default",
     "대화 템플릿이 있는 모델: 파일, 폴더 또는 저장소의 이름 (없으면 기본 모델)"},
    {"The folder to work in", "일할 폴더"},
    {"The only tools wanted, by name: a,b", "쓸 도구만 이름으로: a,b"},
    {"What changes something: ask first, do it (auto), or refuse it (never)",
     "무언가를 바꾸는 일: 먼저 묻기(ask), 하기(auto), 거절하기(never)"},
    {"What may happen at all: reading, changes of the workspace, or the network and devices too",
     "허락하는 범위: 읽기, 작업 폴더 바꾸기, 네트워크와 기기까지"},
    {"A host that may be reached (example.org, *.example.org); repeatable",
     "닿아도 되는 호스트 (example.org, *.example.org); 여러 번 쓸 수 있음"},
    {"Most answers of the model", "모델이 답하는 최대 횟수"},
    {"Most tokens that the model evaluates", "모델이 계산하는 최대 토큰 수"},
    {"Most time", "최대 시간(초)"},
    {"Most tokens of thinking before an answer; -1: any", "답하기 전에 생각하는 최대 토큰 수; -1: 제한 없음"},
    {"Go on with a session, perhaps with a further goal", "세션을 이어 합니다 (새 목표를 더할 수 있음)"},
    {"Go on from a step of a session, in a new one: ID:STEP", "세션의 한 단계에서 새 세션으로 이어 합니다: ID:단계"},
    {"Show the steps of a session", "세션의 단계를 보여 줍니다"},
    {"With --replay: let the model work anew, with the results that the session has",
     "--replay와 함께: 세션에 있는 결과로 모델이 다시 일하게 합니다"},
    {"List the sessions", "세션 목록"},
    {"JSON Lines, one for each step", "단계마다 JSON 한 줄"},
    {"A broker of devices (localhost:1883), with --scope full", "기기의 브로커 (localhost:1883), --scope full과 함께"},
    {"The folder that keeps sessions, approvals and skills", "세션, 허락, 스킬을 두는 폴더"},
    {"Allow it? [y]es, [n]o, [a]lways here for {}:", "허락할까요? [y] 예, [n] 아니요, [a] 이 폴더에서 항상 ({}):"},
    {"Allow it? [y]es, [n]o:", "허락할까요? [y] 예, [n] 아니요:"},
    {"... and {} more lines\n", "... 그리고 {}줄 더\n"},
    {"refused", "거절됨"},
    {"allowed", "허락됨"},
    {"approved", "승인됨"},
    {"remembered", "기억된 허락"},
    {"(earlier results were shortened)", "(앞의 결과를 줄였습니다)"},
    {"session {}", "세션 {}"},
    {"the budget of steps is spent; --resume goes on", "정해진 횟수를 다 썼습니다. --resume으로 이어 할 수 있습니다"},
    {"the budget of tokens is spent; --resume goes on", "정해진 토큰을 다 썼습니다. --resume으로 이어 할 수 있습니다"},
    {"the time is spent; --resume goes on", "정해진 시간을 다 썼습니다. --resume으로 이어 할 수 있습니다"},
    {"stopped; --resume goes on", "멈췄습니다. --resume으로 이어 할 수 있습니다"},
    {"the model does not get further", "모델이 더 나아가지 못합니다"},
    {"goal and tools do not fit into the context; hint: --ctx",
     "목표와 도구가 문맥에 들어가지 않습니다. --ctx를 늘려 보세요"},
    {"How well a model calls functions: questions of the Berkeley leaderboard, version 4",
     "모델이 함수를 얼마나 잘 부르는지 잽니다 (버클리 리더보드 4판의 문제)"},
    {"Measure Ondol against questions with known answers", "답이 알려진 질문으로 온돌을 잽니다"},
    {"How well documents are found: a collection in BEIR's layout",
     "문서를 얼마나 잘 찾는지 잽니다 (BEIR 형식의 모음)"},
    {"weighing words and meaning", "낱말과 뜻의 비중을 재는 중"},
    {"reading for meaning", "뜻을 읽는 중"},
    {"weighing the reading again", "다시 읽기의 비중을 재는 중"},
    {"reading again does not help here, left out ({} questions: {:.3f} without, at most {:.3f} with)",
     "여기서는 다시 읽기가 도움이 되지 않아 쓰지 않습니다 (질문 {}개: 없이 {:.3f}, 있을 때 많아야 {:.3f})"},
    {"reading again counts {:.0f} percent ({} questions: {:.3f} without, {:.3f} with)",
     "다시 읽기의 비중은 {:.0f}%입니다 (질문 {}개: 없이 {:.3f}, 있을 때 {:.3f})"},
    {"too few texts tell whether reading again helps, left out",
     "글이 너무 적어 다시 읽기가 도움이 되는지 알 수 없어 쓰지 않습니다"},
    {"linking near pieces", "가까운 조각을 잇는 중"},
    {"{} could not be read:", "{}개는 읽지 못했습니다:"},
    {"{} were read in part:", "{}개는 일부만 읽었습니다:"},
    {"note:", "참고:"},
    {"Reads text of any encoding, Markdown, source code, and", "읽는 것: 글(인코딩 무관), 마크다운, 소스 코드, 그리고"},
    {"reading documents", "문서를 읽는 중"},
    {"watching for changes; Ctrl-C ends it", "변경을 지켜보는 중; Ctrl-C로 끝냅니다"},
    {"Serve models to other programs over HTTP", "다른 프로그램이 모델을 쓰도록 HTTP로 제공합니다"},
    {"What a model is, and whether it fits into free memory", "모델의 정보와, 남은 메모리에 들어가는지 봅니다"},
    {"Models in the local store", "내 저장소에 있는 모델"},
    {"Fetch a model from the Hugging Face hub", "Hugging Face 허브에서 모델을 받습니다"},
    {"Remove a model from the local store", "내 저장소에서 모델을 지웁니다"},
    {"Turn standard input into token ids", "표준 입력을 토큰 번호로 바꿉니다"},
    {"Turn a JSON array of token ids on standard input into text", "표준 입력의 토큰 번호(JSON 배열)를 글로 바꿉니다"},
    {"Render a chat template, or show it when no context is given",
     "대화 템플릿을 적용하거나, 주어진 내용이 없으면 보여 줍니다"},
    {"Make a tokenizer from texts, for training from scratch", "글에서 토크나이저를 만듭니다 (처음부터 학습할 때)"},
    {"counting words", "낱말 세는 중"},
    {"learning tokens", "토큰 배우는 중"},
    {"Make an adapter part of a model", "어댑터를 모델에 합칩니다"},
    {"Draw the curves of trainings", "학습 곡선을 그립니다"},
    {"learning", "배우는 중"},
    {"warning:", "경고:"},
    {"try it: ondol run {} --adapter {}", "써 보기: ondol run {} --adapter {}"},
    {"Teach a model with examples: an adapter, all weights, or a new model",
     "예시로 모델을 가르칩니다: 어댑터, 모든 가중치 또는 새 모델"},
    {"How well a model predicts a text: the measure for quantisation and training",
     "모델이 글을 얼마나 잘 예측하는지 잽니다 (양자화와 학습의 척도)"},
    {"Logits of the token after the given ones", "주어진 토큰 다음 토큰의 로짓"},
    {"Turn each line of standard input into a vector", "표준 입력의 각 줄을 벡터로 바꿉니다"},
    {"Measure tokens per second of reading and generating", "읽기와 생성의 초당 토큰 수를 잽니다"},
    {"Write a model in another precision", "모델을 다른 정밀도로 저장합니다"},
    {"Convert between Hugging Face folders and GGUF files", "Hugging Face 폴더와 GGUF 파일을 서로 바꿉니다"},
    {"Measure which weights matter, for ondol quantize --imatrix",
     "어떤 가중치가 중요한지 잽니다 (ondol quantize --imatrix 용)"},
    {"What this machine is and what it reaches, measured", "이 컴퓨터의 성능을 실제로 재어 보여 줍니다"},
    {"More messages, and progress also when not on a terminal", "더 많은 메시지를 보여 줍니다"},
    {"A file, a folder or a name in the store", "파일, 폴더 또는 저장소의 이름"},
    {"A file, a folder or a name in the store; without it the default",
     "파일, 폴더 또는 저장소의 이름 (없으면 기본 모델)"},
    {"Most tokens of the answer; -1 leaves it to the model", "답의 최대 토큰 수 (-1은 모델에 맡김)"},
    {"Most tokens of an answer; -1 leaves it to the model", "답의 최대 토큰 수 (-1은 모델에 맡김)"},
    {"Continue the text as it stands, without a chat template", "대화 템플릿 없이 글을 그대로 이어 씁니다"},
    {"Instructions to the model", "모델에게 주는 지시"},
    {"Instructions to the model, before the question", "질문에 앞서 모델에게 주는 지시"},
    {"End at this text (any number of times)", "이 글이 나오면 멈춥니다 (여러 번 쓸 수 있음)"},
    {"When the context is full, forget its older half instead of stopping",
     "문맥이 가득 차면 멈추지 않고 오래된 절반을 잊습니다"},
    {"Temperature; 0 always takes the most likely token", "온도 (0이면 언제나 가장 그럴듯한 토큰)"},
    {"Seed: the same seed gives the same text", "시드: 같은 시드는 같은 글을 냅니다"},
    {"Guess tokens from repetitions and check several at once: auto, off, or how many (1 to 7). The text stays the "
     "same, "
     "only faster",
     "되풀이되는 글에서 다음 토큰을 짐작해 여러 개를 한 번에 확인합니다: auto, off 또는 개수(1~7). 글은 그대로이고 "
     "빨라질 뿐입니다"},
    {"A small model with the same vocabulary that guesses tokens too (a file, a folder or a name in the store); it "
     "rests "
     "where that does not help",
     "함께 다음 토큰을 짐작할, 어휘가 같은 작은 모델 (파일, 폴더 또는 저장소의 이름). 도움이 되지 않으면 쉽니다"},
    {"Threads; 0: one for each core that this process may use", "스레드 수 (0은 쓸 수 있는 코어마다 하나)"},
    {"Context in tokens; without it, as much as model and memory allow",
     "문맥의 토큰 수 (없으면 모델과 메모리가 허락하는 만큼)"},
    {"Precision of the key-value cache: f32, f16, q8_0 or q4_0", "키-값 캐시의 정밀도: f32, f16, q8_0, q4_0"},
    {"Tokens of the prompt; 0 leaves this test out", "프롬프트의 토큰 수 (0이면 이 시험을 뺌)"},
    {"Tokens to generate; 0 leaves this test out", "생성할 토큰 수 (0이면 이 시험을 뺌)"},
    {"Tokens in the context before each test", "시험 전에 문맥에 있는 토큰 수"},
    {"Sequences at once", "한꺼번에 처리하는 글의 수"},
    {"Tokens of a prompt evaluated at once", "프롬프트에서 한 번에 계산하는 토큰 수"},
    {"Offer documents, a model and tools to programs that speak MCP, over standard input and output",
     "문서, 모델, 도구를 MCP를 쓰는 프로그램에 표준 입출력으로 제공"},
    {"The agent for editors that speak the Agent Client Protocol, over standard input and output",
     "에이전트 클라이언트 프로토콜(ACP)을 쓰는 편집기를 위한 에이전트 (표준 입출력)"},
    {"Indexed documents to offer: NAME=PATH or PATH; repeatable",
     "제공할 문서 저장소: NAME=PATH 또는 PATH (여러 번 쓸 수 있음)"},
    {"A model to offer: a file, a folder or a name in the store", "제공할 모델: 파일, 폴더, 저장소의 이름"},
    {"A folder to offer tools for; without it there are none", "도구를 제공할 폴더 (없으면 도구도 없음)"},
    {"What tools may do at all: reading, changes of the workspace, or the network and devices too",
     "도구에 허용할 범위: 읽기, 작업 폴더의 변경, 네트워크와 장치까지"},
    {"What changes something: ask through the client, do it (auto), or refuse it (never)",
     "무언가를 바꾸는 일: 클라이언트를 통해 묻기, 그대로 하기(auto), 거절하기(never)"},
    {"What changes something: ask in the editor, do it (auto), or refuse it (never)",
     "무언가를 바꾸는 일: 편집기에서 묻기, 그대로 하기(auto), 거절하기(never)"},
    {"Waiting for an MCP client on standard input; Ctrl-D ends.",
     "표준 입력에서 MCP 클라이언트를 기다립니다. Ctrl-D로 끝냅니다."},
    {"Waiting for an editor on standard input; Ctrl-D ends.", "표준 입력에서 편집기를 기다립니다. Ctrl-D로 끝냅니다."},
    {"A low-rank adapter (a GGUF file, or a folder as PEFT writes it), perhaps with a factor: "
     "PATH=0.5 (any number of times)",
     "저랭크 어댑터 (GGUF 파일, 또는 PEFT가 저장한 폴더). 배율을 붙일 수 있습니다: PATH=0.5 (여러 번 쓸 수 있음)"},
    {"A low-rank adapter (a GGUF file, or a folder as PEFT writes it): NAME=PATH for requests that name it, PATH for "
     "all that name none; perhaps with a factor behind: =0.5 (any number of times)",
     "저랭크 어댑터 (GGUF 파일, 또는 PEFT가 저장한 폴더): 이름을 대는 요청에는 NAME=PATH, 아무것도 대지 않는 모든 "
     "요청에는 PATH. 뒤에 배율을 붙일 수 있습니다: =0.5 (여러 번 쓸 수 있음)"},
    {"NAME=MODEL: a further name for a model, or for MODEL:ADAPTER (any number of times)",
     "NAME=MODEL: 모델이나 MODEL:ADAPTER의 다른 이름 (여러 번 쓸 수 있음)"},
    {"A folder in which agents may work (/v1/agents; any number of times); without one, there are none",
     "에이전트가 일할 수 있는 폴더 (/v1/agents, 여러 번 쓸 수 있음). 없으면 에이전트도 없음"},
    {"Where their jobs are: a file, or postgresql://... for several servers; without it, a file in the data folder",
     "에이전트 작업을 두는 곳: 파일, 또는 서버 여럿이면 postgresql://... (없으면 데이터 폴더의 파일)"},
    {"Agents that work at once", "동시에 일하는 에이전트 수"},
    {"Whenever a file of the workspace comes or changes whose path fits a pattern, as inbox/*.txt",
     "작업 폴더에서 경로가 무늬(예: inbox/*.txt)에 맞는 파일이 생기거나 바뀔 때마다"},
    {"NAME=PATH: a store that `ondol index` made, as /v1/vector_stores/NAME (any number of times)",
     "NAME=PATH: `ondol index`가 만든 저장소를 /v1/vector_stores/NAME으로 (여러 번 쓸 수 있음)"},
    {"Let models of /v1/responses run Python, in the sandbox and without network, where a client asks for it",
     "클라이언트가 요청하면 /v1/responses의 모델이 파이썬을 실행하게 함 (샌드박스 안에서, 네트워크 없이)"},
    {"HOST or HOST:PORT that clients of /v1/responses may name MCP servers on; *.example.org is all below it, and a "
     "private address takes its port (any number of times)",
     "/v1/responses의 클라이언트가 MCP 서버로 지정할 수 있는 HOST 또는 HOST:PORT. *.example.org는 그 아래 전부이며, "
     "사설 주소는 포트까지 적음 (여러 번 쓸 수 있음)"},
    {"An MCP server by its name in mcp.json, a file like that, or none; without it, all; repeatable",
     "mcp.json에 적힌 MCP 서버 이름, 그런 파일, 또는 none. 없으면 모두 (여러 번 쓸 수 있음)"},
    {"An MCP server by its name in mcp.json, or none; without it, all; repeatable",
     "mcp.json에 적힌 MCP 서버 이름, 또는 none. 없으면 모두 (여러 번 쓸 수 있음)"},
    {"Rounds; the median is reported", "반복 횟수 (중앙값을 냄)"},
    {"Also measure what the machine reaches, in every round, and what share of it the tests take",
     "반복마다 이 컴퓨터의 한계도 재고, 시험이 그중 얼마를 쓰는지 보여 줍니다"},
    {"Compare with a second setting, in turn: options of this command that differ, another model, or NAME=VALUE before "
     "them",
     "두 번째 설정과 번갈아 비교합니다: 이 명령의 다른 옵션, 다른 모델, 또는 그 앞의 이름=값"},
    {"Compare with another program, in turn: a shell command that prints JSON as this one or as llama-bench -o json",
     "다른 프로그램과 번갈아 비교합니다: 이 명령이나 llama-bench -o json 과 같은 JSON을 출력하는 셸 명령"},
    {"Also draw the result into this file", "결과를 이 파일에 그림으로도 그립니다"},
    {"{:.0f} % of {}", "{1}의 {0:.0f} %"},
    {"the read bandwidth", "읽기 대역폭"},
    {"the {} rate", "{} 연산 속도"},
    {"to", "~"},
    {"median, slowest to fastest of {} rounds", "{}번의 중앙값 (가장 느린 값 ~ 가장 빠른 값)"},
    {"only tests that both have are compared", "양쪽에 다 있는 시험만 비교합니다"},
    {"Tokens per second, measured by ondol bench", "ondol bench로 잰 초당 토큰 수"},
    {"Tokens per second", "초당 토큰 수"},
    {"reading a prompt", "프롬프트 읽기"},
    {"generating", "생성"},
    {"Longer is faster.", "길수록 빠릅니다."},
    {"Each test has a scale of its own.", "시험마다 눈금이 다릅니다."},
    {"Bars: median of {} rounds; whiskers: slowest to fastest.",
     "막대: {}번의 중앙값, 수염: 가장 느린 값에서 가장 빠른 값."},
    {"One JSON document", "JSON 문서 하나로 출력"},
    {"One JSON array", "JSON 배열 하나로 출력"},
    {"Print this help message and exit", "이 도움말을 보여 주고 끝냅니다"},
    {"error:", "오류:"},
    {"reading the prompt", "읽는 중"},
    {"reading", "읽는 중"},
    {"measuring", "재는 중"},
    {"(stopped)\n", "(멈춤)\n"},
    {"The conversation is forgotten.\n", "대화를 잊었습니다.\n"},
    {"New instructions; the conversation begins anew.\n", "새 지시를 받았습니다. 대화를 새로 시작합니다.\n"},
    {"The older half of the conversation was forgotten to make room.\n",
     "자리를 만들려고 대화의 오래된 절반을 잊었습니다.\n"},
    {"there is nothing to take back", "되돌릴 것이 없습니다"},
    {"there is no message to answer again", "다시 답할 메시지가 없습니다"},
    {"/help lists commands.", "/help 로 명령을 볼 수 있습니다."},
    {"  /system TEXT   new instructions to the model (and a new chat)\n"
     "  /clear         forget the conversation\n"
     "  /retry         answer the last message again\n"
     "  /undo          take the last message and its answer back\n"
     "  /save FILE     write the conversation as JSON     /load FILE   read it back\n"
     "  /stats         tokens, speed and how full the context is\n"
     "  /exit          leave (Ctrl-D too)\n"
     "  \"\"\"            begin and end a message of several lines; or end a line with \\\n"
     "  Ctrl-C         stop the answer\n",
     "  /system 글     모델에게 새로 지시합니다 (대화도 새로 시작)\n"
     "  /clear         대화를 잊습니다\n"
     "  /retry         마지막 메시지에 다시 답합니다\n"
     "  /undo          마지막 메시지와 답을 되돌립니다\n"
     "  /save 파일     대화를 JSON으로 저장합니다     /load 파일   다시 읽습니다\n"
     "  /stats         토큰 수, 속도, 문맥이 찬 정도\n"
     "  /exit          나갑니다 (Ctrl-D도)\n"
     "  \"\"\"            여러 줄 메시지의 처음과 끝; 또는 줄 끝에 \\\n"
     "  Ctrl-C         답을 멈춥니다\n"},
    {"Examples:\n"
     "  ondol pull Qwen/Qwen3-0.6B-GGUF          fetch a model\n"
     "  ondol run qwen3-0.6b \"Why is the sky blue?\"\n"
     "  ondol chat                                talk, with the model fetched last\n"
     "  ondol show model.gguf                     what it is, and whether it fits\n"
     "\n"
     "`ondol COMMAND --help` shows the options and examples of a command.",
     "예:\n"
     "  ondol pull Qwen/Qwen3-0.6B-GGUF          모델 받기\n"
     "  ondol run qwen3-0.6b \"하늘은 왜 파란가요?\"\n"
     "  ondol chat                                마지막에 받은 모델과 대화\n"
     "  ondol show model.gguf                     모델 정보와 메모리\n"
     "\n"
     "`ondol 명령 --help` 로 명령의 옵션과 예를 볼 수 있습니다."},
};

bool detect_korean() {
  for (const char* name : {"LC_ALL", "LC_MESSAGES", "LANG"}) {
    const char* value = std::getenv(name);
    if (value != nullptr && *value != '\0') return std::string_view(value).starts_with("ko");
  }
  return false;
}

std::string translated(const std::string& text) {
  return std::string(tr(text));
}

}  // namespace

bool speaks_korean() {
  static const bool korean = detect_korean();
  return korean;
}

std::string_view korean_of(std::string_view english) {
  static const auto table = [] {
    std::unordered_map<std::string_view, std::string_view> map;
    for (const Entry& entry : kEntries) map.emplace(entry.english, entry.korean);
    return map;
  }();
  const auto found = table.find(english);
  return found == table.end() ? std::string_view{} : found->second;
}

std::string_view tr(std::string_view english) {
  if (!speaks_korean()) return english;
  const std::string_view korean = korean_of(english);
  return korean.empty() ? english : korean;
}

void translate_help(CLI::App& app) {
  if (!speaks_korean()) return;
  app.description(translated(app.get_description()));
  app.footer(translated(app.get_footer()));
  for (CLI::Option* option : app.get_options()) option->description(translated(option->get_description()));
  for (CLI::App* command : app.get_subcommands({})) translate_help(*command);
}

}  // namespace ondol::cli
